import { UpscaleError } from '../../errors.ts'
import { encodePng } from '../../image/codec.ts'
import type { FileRequest, OrderSize } from '../engine.ts'
import { isSuccess } from '../http/client.ts'
import { startDeadline } from '../http/deadline.ts'
import { field, parseJson, textField } from '../http/json.ts'
import { mayHoldAnswer } from '../http/refused-answer.ts'
import { type Repeats, repeatsFree, withRetry } from '../http/retry.ts'
import { PRICE_QUESTION_MS } from '../http/time-limits.ts'
import { encodeForm } from '../openai/edit.ts'
import { type Api, common, MAX_ANSWER_BYTES, upscaleAddress } from './generation.ts'

/**
 * What an order would cost, in millionths of a US dollar, by the dry run of the endpoint: the order itself with
 * `?dry_run=true`, which is answered by a price quote. It needs a picture, and since only the size counts, the one that is
 * sent is black. Undefined unless the answer calls itself a quote.
 *
 * @throws UpscaleError CALL_UNCERTAIN where the answer is that to an order; with an API_ code where none came
 */
export async function quotePrice(
  {
    model,
    width,
    height,
    scale,
    params,
  }: OrderSize & Pick<FileRequest, 'params'> & { readonly model: string },
  { base, apiKey, service, send }: Api,
  signal: AbortSignal,
): Promise<number | undefined> {
  const black = await encodePng({ width, height, channels: 1, data: new Uint8Array(width * height) })
  const form = await encodeForm({
    image: { bytes: black, name: 'black.png' },
    fields: { upscale_factor: `x${scale}`, async: true, ...params },
  })
  const url = upscaleAddress(base, model)
  url.searchParams.set('dry_run', 'true')
  const deadline = startDeadline(PRICE_QUESTION_MS, signal)
  try {
    const response = await withRetry(
      send,
      repeatsQuestion,
    )({
      method: 'POST',
      isOrder: false,
      url,
      headers: { ...common(apiKey), 'content-type': form.type },
      body: form.bytes,
      maxBytes: MAX_ANSWER_BYTES,
      deadline,
      secrets: service.secrets,
    })
    const json = parseJson(response.body.toString('utf8'))
    const isOrdered = field(json, 'data') !== undefined || field(json, 'generation_id') !== undefined
    if (mayHoldAnswer(response.body) || (isSuccess(response.status) && isOrdered)) throw noQuote()
    if (!isSuccess(response.status)) return undefined
    return readQuote(json)
  } finally {
    deadline.clear()
  }
}

/** A question that was taken for an order is not asked again, whatever the status of its answer. */
const repeatsQuestion: Repeats = outcome =>
  repeatsFree(outcome) && !('response' in outcome && mayHoldAnswer(outcome.response.body))

/** The upper bound of an estimate, else the price. */
function readQuote(json: unknown): number | undefined {
  if (textField(json, 'object') !== 'price_quote') return undefined
  const micros = field(json, 'upper_bound_usd_micros') ?? field(json, 'usd_micros')
  return typeof micros === 'number' && Number.isSafeInteger(micros) && micros >= 0 ? micros : undefined
}

function noQuote(): UpscaleError {
  const problem =
    'Ideogram answered a question for a price as it answers an order; it may have charged for a black picture'
  return new UpscaleError('CALL_UNCERTAIN', problem, {
    hint: "look at Ideogram's usage page; nothing else was ordered. Report it: its dry run has changed",
  })
}
