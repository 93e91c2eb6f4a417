export { type LocalOptions, local, type ModelName } from './local.ts'
