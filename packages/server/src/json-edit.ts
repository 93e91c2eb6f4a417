import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import { invalidRequest } from './api-error.ts'
import { FILE_NAME, type Form, type FormLimits, MASK_REFUSAL } from './form-parts.ts'

/*
 * The same order as JSON, as OpenAI documents it beside the form: `images: [{ image_url }]`, or `image` with one. The
 * picture stands in it as a data URL; addresses are not fetched, or anybody with a key could have this server call them.
 */

/** `data:image/png;base64,…`, with the parameters that some clients add. */
const DATA_URL = /^data:image\/[\w.+-]{1,40}(?:;[\w.+=-]{1,80})*;base64,/i

/** @throws ApiError INVALID_REQUEST */
export async function readJsonEdit(request: FastifyRequest, limits: FormLimits): Promise<Form> {
  const body = parse(await readText(request, limits))
  const { image, images, mask, ...rest } = body
  if (mask !== undefined && mask !== null) throw invalidRequest(MASK_REFUSAL)
  const fields = new Map(Object.entries(rest).flatMap(([name, value]) => fieldOf(name, value)))
  // Optional in this form of the order; a server with one model needs no name of it.
  const [only, other] = limits.models
  if (!fields.has('model') && only !== undefined && other === undefined) fields.set('model', only)
  const bytes = decode(onlyImage(images ?? image))
  await mkdir(limits.folder, { recursive: true, mode: 0o700 })
  const file = join(limits.folder, FILE_NAME)
  await writeFile(file, bytes, { flag: 'wx', mode: 0o600 })
  return { fields, file }
}

async function readText({ raw }: FastifyRequest, { maxBytes }: FormLimits): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of raw) {
    length += chunk.length
    if (length > maxBytes)
      throw invalidRequest(`The request is larger than ${maxBytes} bytes.`, { status: 413 })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw invalidRequest('The body is no JSON object.')
}

function fieldOf(name: string, value: unknown): [string, string][] {
  if (value === null || value === undefined) return []
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [[name, String(value)]]
  }
  const shown = /^\w{1,60}$/.test(name) ? name : 'A field'
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

function decode(url: string): Buffer {
  const head = DATA_URL.exec(url.slice(0, 1000))?.[0]
  if (head === undefined) {
    throw invalidRequest(
      'image_url must be a data URL in base64: this server fetches no addresses and has no files.',
    )
  }
  const text = url.slice(head.length)
  const bytes = Buffer.from(text, 'base64')
  // Node skips what is no base64; padding may be missing.
  if (bytes.length > 0 && bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, ''))
    return bytes
  throw invalidRequest('image_url is no base64.')
}
