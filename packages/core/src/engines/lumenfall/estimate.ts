import { UpscaleError } from '../../errors.ts'
import type { EngineParams } from '../engine.ts'
import { below } from '../http/address.ts'
import { field, textField } from '../http/json.ts'
import { encodeForm } from '../openai/edit.ts'
import { ask, type CatalogueClient } from './ask.ts'

/** An order whose price is asked. */
export interface EstimateRequest {
  readonly model: string
  readonly scale: number
  /** Further fields by their name on the wire. @default {} */
  readonly params?: EngineParams
  /**
   * The picture. Models that are paid by the megapixel may need it; whether others do is documented nowhere.
   * @default none is sent
   */
  readonly image?: { readonly bytes: Uint8Array; readonly name: string }
}

/**
 * What an order would cost, in millionths of a US dollar, by the dry run of docs.lumenfall.ai/api-reference/cost-estimation:
 * the order itself with `?dryRun=true`. The service calls the figure approximate.
 *
 * Only an answer that calls itself an estimate is taken for one. Any other may mean that the order was carried out,
 * so this question is sent with the care of an order: it is not repeated once the service had it.
 *
 * @throws UpscaleError API_BAD_ANSWER where no estimate came, or another API_ code
 */
export async function estimatePrice(request: EstimateRequest, client: CatalogueClient): Promise<number> {
  const { model, scale, params = {}, image } = request
  const fields = { model, scale_factor: scale, ...params }
  const form = await encodeForm({ fields, ...(image === undefined ? {} : { image }) })
  const url = below(client.base, 'images/edits')
  url.searchParams.set('dryRun', 'true')
  const question = {
    method: 'POST',
    isOrder: image !== undefined,
    url,
    headers: { 'content-type': form.type },
    body: form.bytes,
  } as const
  const { json } = await ask(question, client)
  const micros = field(json, 'total_cost_micros')
  const isDollars = /^usd$/i.test(textField(json, 'currency') ?? 'USD')
  const isEstimate = field(json, 'estimated') === true && isDollars
  if (isEstimate && typeof micros === 'number' && Number.isSafeInteger(micros) && micros >= 0) return micros
  const doubt = image === undefined ? '' : '; it may have taken the question for an order and charged'
  throw new UpscaleError('API_BAD_ANSWER', `Lumenfall was asked for a price and named none${doubt}`, {
    hint: 'use the price of the catalogue, or the option "price"; the request log of Lumenfall tells what was charged',
  })
}
