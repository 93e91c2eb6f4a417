import { randomUUID } from 'node:crypto'
import { isUpscaleError } from '../../errors.ts'
import { joinPieces } from '../../source/pieces.ts'
import type { FileAnswer, FileRequest } from '../engine.ts'
import { below } from '../http/address.ts'
import type { HttpResponse, Send } from '../http/client.ts'
import { startDeadline } from '../http/deadline.ts'
import { isWholeJson, type JsonText } from '../http/large-json.ts'
import { fetchMedia, MAX_MEDIA_BYTES } from '../http/media.ts'
import type { ParamValue } from '../params.ts'
import { decodeBase64, type EditAnswer, readEditAnswer } from './edit-answer.ts'
import type { Service } from './errors.ts'
import { type Receipt, withReceipt } from './receipt.ts'

/** One images call in the form that OpenAI defined and gateways copy. */
export interface EditCall extends Pick<FileRequest, 'response' | 'onResponse'> {
  /** The API's address, version part included: `https://api.lumenfall.ai/openai/v1`. */
  readonly base: URL
  /** Absent for a gateway that asks for none. */
  readonly apiKey: string | undefined
  readonly service: Service
  /** A PNG and its file name. */
  readonly image: { readonly bytes: Uint8Array; readonly name: string }
  /** The same for every repetition of this call. */
  readonly idempotencyKey: string
  /** Further headers, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** All other form fields, by their name on the wire. */
  readonly fields: Readonly<Record<string, ParamValue>>
  /** Hosts besides the API's own from which a result may be fetched. */
  readonly mediaHosts: readonly string[]
  /** For the order with its repeats; a download of the result gets the same time again. In milliseconds. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Sends the order. Whoever wants repeats or a journal wraps it. */
  readonly order: Send
  /** Fetches a result that came as an address. */
  readonly download: Send
}

/** The picture, not decoded, and what the service said about the call. */
export interface EditResult extends FileAnswer, Receipt {}

/** The largest JSON that is read. A picture may travel in it as base64, four characters for three bytes. */
const MAX_JSON_BYTES = (MAX_MEDIA_BYTES / 3) * 4

/**
 * Makes one `POST {base}/images/edits` and returns the picture's bytes. The key goes into the `Authorization` header
 * of this request and nowhere else.
 *
 * @throws UpscaleError an API_ code, ANSWER_CORRUPT, ANSWER_TOO_LARGE or ABORTED. Once the service has answered, the
 *   error carries its request id and names its charge.
 */
export async function editImage(call: EditCall): Promise<EditResult> {
  const response = call.response ?? (await order(call))
  const { picture, receipt } = await readEditAnswer(response, call.service)
  try {
    return { bytes: await bytesOf(picture, call), ...receipt }
  } catch (error) {
    throw isUpscaleError(error) ? withReceipt(error, receipt) : error
  }
}

function bytesOf(picture: EditAnswer['picture'], call: EditCall): Uint8Array | Promise<Uint8Array> {
  if ('bytes' in picture) return picture.bytes
  return 'url' in picture ? download(picture.url, call) : decodeBase64(picture.base64, call.service)
}

async function order(call: EditCall): Promise<HttpResponse> {
  const { base, apiKey, service, idempotencyKey, headers, timeoutMs, signal, onResponse } = call
  const form = await encodeForm(call)
  const deadline = startDeadline(timeoutMs, signal)
  try {
    return await call.order({
      method: 'POST',
      isOrder: true,
      url: below(base, 'images/edits'),
      headers: {
        ...headers,
        accept: 'application/json',
        'content-type': form.type,
        'idempotency-key': idempotencyKey,
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: form.bytes,
      maxBytes: MAX_JSON_BYTES,
      deadline,
      secrets: service.secrets,
      isWhole: isWholeJson,
      ...(onResponse === undefined ? {} : { onResponse }),
    })
  } finally {
    deadline.clear()
  }
}

async function download(url: JsonText, call: EditCall): Promise<Buffer> {
  const { base, service, mediaHosts, timeoutMs, signal } = call
  const deadline = startDeadline(timeoutMs, signal)
  const rules = { base, hosts: mediaHosts }
  try {
    const request = {
      rules,
      send: call.download,
      deadline,
      maxBytes: MAX_MEDIA_BYTES,
      secrets: service.secrets,
      lostHint: 'use responseFormat "b64_json", which needs no second download',
    }
    return await fetchMedia(url, request)
  } finally {
    deadline.clear()
  }
}

/**
 * Encodes with Node's own form writer, all but the image's bytes, which it would copy at once. The file is called `image`,
 * not `image[]`, and its part says `image/png`: a missing type arrives as `application/octet-stream`, which services
 * refuse.
 *
 * A repetition has the same bytes: gateways that know idempotency keys may compare them, and Node's writer draws a
 * boundary by lot.
 */
export async function encodeForm({
  image,
  fields,
  idempotencyKey,
}: Partial<Pick<EditCall, 'image' | 'idempotencyKey'>> & Pick<EditCall, 'fields'>): Promise<{
  bytes: Uint8Array
  type: string
}> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value))
  const stand = randomUUID()
  if (image !== undefined) form.append('image', new File([stand], image.name, { type: 'image/png' }))
  const encoded = new Response(form)
  const drawn = encoded.headers.get('content-type') ?? 'multipart/form-data'
  const [, lot = ''] = /boundary=(\S+)/.exec(drawn) ?? []
  const settle = (text: string): string =>
    idempotencyKey === undefined || lot === ''
      ? text
      : text.replaceAll(lot, `upscale-${idempotencyKey.slice(0, 48)}`)
  const type = settle(drawn)
  const bytes = Buffer.from(settle(Buffer.from(await encoded.arrayBuffer()).toString('latin1')), 'latin1')
  if (image === undefined) return { bytes, type }
  // The image is the last part.
  const at = bytes.lastIndexOf(stand)
  const parts = [bytes.subarray(0, at), image.bytes, bytes.subarray(at + stand.length)]
  return { bytes: await joinPieces(parts), type }
}
