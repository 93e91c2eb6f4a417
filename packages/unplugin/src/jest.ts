import { transformer } from './hosts/jest.ts'

export { sync } from './hosts/jest.ts'

/** Jest's `resolver` and, by its default export, its transformer of pictures. */
export default transformer
