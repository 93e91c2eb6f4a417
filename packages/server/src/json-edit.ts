import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import {
  createJsonReader,
  headOf,
  type JsonText,
  type LargeJson,
  readBase64,
} from 'upscale-core/internal/upkeep'
import { invalidRequest } from './api-error.ts'
import { FILE_NAME, type Form, type FormLimits, MASK_REFUSAL, MAX_FIELD_BYTES } from './form-parts.ts'

/*
 * The same order as JSON, as OpenAI documents it beside the form: `images: [{ image_url }]`, or `image` with one. The
 * picture stands in it as a data URL; addresses are not fetched, or anybody with a key could have this server call them.
 */

/** `data:image/png;base64,…`, with the parameters that some clients add. */
const DATA_URL = /^data:image\/[\w.+-]{1,40}(?:;[\w.+=-]{1,80})*;base64,/i

/** @throws ApiError INVALID_REQUEST */
export async function readJsonEdit(request: FastifyRequest, limits: FormLimits): Promise<Form> {
  const { value, text } = await readBody(request, limits)
  const { image, images, mask, ...rest } = asObject(value)
  if (mask !== undefined && mask !== null) throw invalidRequest(MASK_REFUSAL)
  const fields = new Map(Object.entries(rest).flatMap(([name, value]) => fieldOf(name, value, text)))
  const bytes = await decode(text(onlyImage(images ?? image)))
  await mkdir(limits.folder, { recursive: true, mode: 0o700 })
  const file = join(limits.folder, FILE_NAME)
  await writeFile(file, bytes, { flag: 'wx', mode: 0o600 })
  return { fields, file }
}

async function readBody({ raw }: FastifyRequest, { maxBytes }: FormLimits): Promise<LargeJson> {
  const reader = createJsonReader()
  let length = 0
  for await (const chunk of raw) {
    length += chunk.length
    if (length > maxBytes)
      throw invalidRequest(`The request is larger than ${maxBytes} bytes.`, { status: 413 })
    reader.add(chunk)
  }
  return reader.end()
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw invalidRequest('The body is no JSON object.')
}

function fieldOf(name: string, value: unknown, text: LargeJson['text']): [string, string][] {
  if (value === null || value === undefined) return []
  const shown = /^\w{1,60}$/.test(name) ? name : 'A field'
  if (typeof value === 'string') {
    const whole = text(value)
    if (typeof whole === 'string' && Buffer.byteLength(whole) <= MAX_FIELD_BYTES) return [[name, whole]]
    throw invalidRequest(`${shown} has more than ${MAX_FIELD_BYTES} bytes.`)
  }
  if (typeof value === 'number' || typeof value === 'boolean') return [[name, String(value)]]
  throw invalidRequest(`${shown} is no text, number or boolean.`)
}

function onlyImage(written: unknown): string {
  const list = Array.isArray(written) ? written : written === undefined ? [] : [written]
  if (list.length > 1) throw invalidRequest('Send one image: this server upscales one picture a request.')
  const [one]: unknown[] = list
  const url = typeof one === 'object' && one !== null && 'image_url' in one ? one.image_url : one
  if (typeof url === 'string') return url
  throw invalidRequest('image is missing: send images: [{ "image_url": "data:image/png;base64,…" }].')
}

async function decode(url: JsonText): Promise<Buffer> {
  if (!DATA_URL.test(headOf(url, 1000))) {
    throw invalidRequest(
      'image_url must be a data URL in base64: this server fetches no addresses and has no files.',
    )
  }
  const bytes = await readBase64(url)
  if (bytes !== undefined) return bytes
  throw invalidRequest('image_url is no base64.')
}
