import { UpscaleError } from '../../errors.ts'
import { looksLikePicture } from '../../source/sniff.ts'
import { readBase64 } from '../http/base64.ts'
import { type HttpResponse, isSuccess } from '../http/client.ts'
import { field, textField } from '../http/json.ts'
import { type JsonText, type LargeJson, parseLargeJson } from '../http/large-json.ts'
import { isCutAnswer } from '../http/refused-answer.ts'
import { apiError, badAnswer, contradiction, type Service } from './errors.ts'
import { type Receipt, safeId, withReceipt } from './receipt.ts'

/** What a successful answer to an images call says. Nothing in it is trusted. */
export interface EditAnswer {
  readonly picture:
    | { readonly base64: JsonText }
    | { readonly url: JsonText }
    | { readonly bytes: Uint8Array }
  readonly receipt: Receipt
}

/**
 * Reads the answer to an images call, as documented at docs.lumenfall.ai/api-reference/images/edit: `data[0]` with
 * `b64_json` or `url`, and `metadata`. Where several pictures came, the first counts. JSON under another content
 * type is read all the same, and so is a picture in the place of the JSON, under any status of success: it has been
 * paid for. The same holds under the status of a refusal. Where a refusal in words comes with a picture, one of both is wrong.
 *
 * @throws UpscaleError the API_ code of an error envelope or status; API_BAD_ANSWER where no picture can be found
 */
export async function readEditAnswer(response: HttpResponse, service: Service): Promise<EditAnswer> {
  const isAccepted = isSuccess(response.status)
  const isPicture = looksLikePicture(response.body)
  const { value: json, text }: LargeJson = isPicture
    ? { value: undefined, text: found => found }
    : await parseLargeJson(response.body)
  const receipt = readReceipt(response, json, service)
  if (isCutAnswer(response))
    throw withReceipt(contradiction(response, json, 'a part of an answer', service), receipt)
  if (isPicture) return { picture: { bytes: response.body }, receipt }
  const hasError = (field(json, 'error') ?? null) !== null
  const picture = namedIn(json, text)
  if (hasError && picture !== undefined)
    throw withReceipt(contradiction(response, json, 'a picture', service), receipt)
  if (picture !== undefined && response.status !== 204) return { picture, receipt }
  if (!isAccepted || response.status === 204 || hasError)
    throw withReceipt(apiError(response, json, service), receipt)
  if (json === undefined) throw withReceipt(badAnswer(service, `sent ${describeBody(response)}`), receipt)
  throw withReceipt(badAnswer(service, 'sent an answer without a picture'), receipt)
}

function namedIn(json: unknown, text: LargeJson['text']): EditAnswer['picture'] | undefined {
  const data = field(json, 'data')
  const first: unknown = Array.isArray(data) ? data[0] : undefined
  const base64 = textField(first, 'b64_json')
  if (base64 !== undefined) return { base64: text(base64) }
  const url = textField(first, 'url')
  return url === undefined ? undefined : { url: text(url) }
}

/** @throws UpscaleError ANSWER_CORRUPT for what {@link readBase64} does not read */
export async function decodeBase64(base64: JsonText, service: Service): Promise<Buffer> {
  const bytes = await readBase64(base64)
  if (bytes !== undefined) return bytes
  throw new UpscaleError(
    'ANSWER_CORRUPT',
    `${service.name} sent a picture whose base64 is cut short or damaged`,
    {
      hint: `look at the request log of ${service.name} whether it charged, then build again`,
    },
  )
}

/**
 * Dollars as integer millionths. `cost` is a JSON number, so 0.07 arrives as 0.07000000000000001 at worst and
 * rounding to the nearest millionth is exact for every price with six digits.
 */
export function costMicrosOf(metadata: unknown): number | undefined {
  const cost = field(metadata, 'cost')
  const isDollars = /^usd$/i.test(textField(metadata, 'cost_currency') ?? 'USD')
  if (typeof cost !== 'number' || !(cost >= 0) || !isDollars) return undefined
  const micros = Math.round(cost * 1e6)
  return Number.isSafeInteger(micros) ? micros : undefined
}

function readReceipt(response: HttpResponse, json: unknown, service: Service): Receipt {
  const metadata = field(json, 'metadata')
  const costMicros = costMicrosOf(metadata)
  const { headers } = response
  const id = headers['x-lumenfall-request-id'] ?? headers['x-request-id'] ?? textField(json, 'id')
  const requestId = safeId(id, service.secrets)
  const executedModel = textField(metadata, 'executed_model')
  return {
    ...(costMicros === undefined ? {} : { costMicros }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(executedModel === undefined ? {} : { executedModel }),
  }
}

function describeBody({ body, headers }: HttpResponse): string {
  if (body.length === 0) return 'an empty answer'
  const type = /^[\w.+/-]{1,60}/.exec(headers['content-type'] ?? '')?.[0]
  return `an answer that is no complete JSON (${type ?? 'no type'}, ${body.length} bytes)`
}
