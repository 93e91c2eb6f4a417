import { type Section, sections } from '../pages.ts'

declare const data: readonly Section[]

export { data }

export default { load: () => sections }
