import { UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import { dollars } from '../dollars.ts'

/** What a service tells about a call besides the picture. */
export interface Receipt {
  /** Millionths of a US dollar. Absent when the service didn't say, or not in dollars. */
  readonly costMicros?: number
  readonly requestId?: string
  /** Which model ran in the end, `fal/fal-ai/ideogram/upscale`. */
  readonly executedModel?: string
}

/** The same error with what the service said about the call: its id and its charge. */
export function withReceipt(error: UpscaleError, { requestId, costMicros }: Receipt): UpscaleError {
  const charge = costMicros === undefined ? '' : `; ${dollars(costMicros)} were charged`
  return new UpscaleError(error.code, `${error.problem}${charge}`, {
    ...error.details,
    ...(requestId === undefined ? {} : { requestId }),
  })
}

/** A service's id of a request, fit for messages; undefined where nothing of it is. */
export function safeId(id: string | undefined, secrets: readonly string[]): string | undefined {
  const safe = id === undefined ? '' : safeText(id, { secrets, maxCharacters: 100 })
  return safe === '' ? undefined : safe
}
