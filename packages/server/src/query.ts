import { show, unknownName } from 'upscale-core/internal'
import { invalidRequest } from './api-error.ts'

/**
 * The one flag that an address may carry, `?dryRun=true`. Anything else in the query is refused: a mistyped `dryRun`
 * must not turn an estimate into an order.
 * @throws ApiError INVALID_REQUEST
 */
export function readQueryFlag(query: unknown, name: string): boolean {
  const entries: [string, unknown][] =
    typeof query === 'object' && query !== null ? Object.entries(query) : []
  for (const [key, value] of entries) {
    if (key !== name) throw invalidRequest(`${unknownName('query parameter', key, [name])}.`)
    if (value !== 'true' && value !== 'false') {
      throw invalidRequest(`${name} is ${show(value)}, expected true or false.`)
    }
  }
  return entries.some(([, value]) => value === 'true')
}
