export { createDeclarations, type Declarations } from './declarations.ts'
export { declarationFile } from './location.ts'
