export { type LocalOptions, local } from './local.ts'
export type { ModelName } from './weights.ts'
