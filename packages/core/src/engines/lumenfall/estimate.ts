import type { EngineParams } from '../engine.ts'
import { below } from '../http/address.ts'
import type { Send } from '../http/client.ts'
import { field, textField } from '../http/json.ts'
import { PRICE_QUESTION_MS } from '../http/time-limits.ts'
import { encodeForm } from '../openai/edit.ts'
import type { Connection } from '../openai/spec.ts'
import { ask } from './catalogue.ts'

/** An order whose price is asked: fields by their name on the wire. */
export interface EstimateRequest {
  readonly model: string
  readonly scale: number
  readonly params: EngineParams
}

/**
 * What an order would cost, in millionths of a US dollar, by the dry run of docs.lumenfall.ai/api-reference/cost-estimation:
 * the order itself with `?dryRun=true`. The service calls the figure approximate. No picture is sent, so that nothing can
 * be taken for an order. Undefined unless the answer calls itself an estimate.
 *
 * @throws UpscaleError with an API_ code, ANSWER_TOO_LARGE, ABORTED
 */
export async function estimatePrice(
  { model, scale, params }: EstimateRequest,
  connection: Connection,
  send: Send,
  signal: AbortSignal,
): Promise<number | undefined> {
  const form = await encodeForm({ fields: { model, scale_factor: scale, ...params } })
  const url = below(connection.base, 'images/edits')
  url.searchParams.set('dryRun', 'true')
  const headers = { 'content-type': form.type }
  const question = { method: 'POST', isOrder: false, url, headers, body: form.bytes } as const
  const json = await ask(question, connection, send, { timeoutMs: PRICE_QUESTION_MS, signal })
  const micros = field(json, 'total_cost_micros')
  const isDollars = /^usd$/i.test(textField(json, 'currency') ?? 'USD')
  const isEstimate = field(json, 'estimated') === true && isDollars
  return isEstimate && typeof micros === 'number' && Number.isSafeInteger(micros) && micros >= 0
    ? micros
    : undefined
}
