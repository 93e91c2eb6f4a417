import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Multipart, MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { ApiError, invalidRequest } from './api-error.ts'
import { FILE_NAME, type Form, type FormLimits, MASK_REFUSAL, MAX_FIELD_BYTES } from './form-parts.ts'
import { readJsonEdit } from './json-edit.ts'

/*
 * A form as clients send it: text fields and one file, in any order, in one body or in chunks. The file goes straight
 * to disk, so that memory does not grow with the number of uploads. What the client calls it, and what type it says
 * it has, is not looked at: the upscaler goes by the bytes.
 */

const MAX_FIELDS = 40
const IMAGE_PARTS: ReadonlySet<string> = new Set(['image', 'image[]'])

/** What the parser complains about, in words for the client. Codes are those of the multipart library. */
const COMPLAINTS: Readonly<Record<string, string>> = {
  FST_PARTS_LIMIT: 'The form has too many parts.',
  FST_FIELDS_LIMIT: `The form has more than ${MAX_FIELDS} fields.`,
  FST_FILES_LIMIT: 'Send one image: this server upscales one picture a request.',
  FST_PROTO_VIOLATION: 'The form has a field with a forbidden name.',
  FST_INVALID_JSON_FIELD_ERROR: 'The form has a field of type application/json that is no JSON.',
  FST_MP_PREMATURE_CLOSE: 'The form ended too early.',
}

/**
 * Receives a form.
 * @throws ApiError INVALID_REQUEST, with status 413 for too many bytes
 */
export async function receiveForm(request: FastifyRequest, limits: FormLimits): Promise<Form> {
  const { raw } = request
  cutEndless(raw, limits.maxBytes)
  const stopIdle = cutIdle(raw, limits.idleMs)
  try {
    if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) throw tooLarge(limits)
    const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '')
    return isJson ? await readJsonEdit(request, limits) : await readParts(request, limits)
  } catch (error) {
    // The rest of the body is read and dropped: a client that is still sending would miss the answer otherwise.
    raw.unpipe()
    raw.resume()
    throw toRefusal(error)
  } finally {
    stopIdle()
  }
}

/** Ends a request whose body stops coming. @returns ends the watch */
function cutIdle(raw: Readable, idleMs: number): () => void {
  const timer = setTimeout(() => raw.destroy(), idleMs)
  const restart = (): void => void timer.refresh()
  raw.on('data', restart)
  raw.pause()
  return () => {
    clearTimeout(timer)
    raw.off('data', restart)
  }
}

async function readParts(request: FastifyRequest, limits: FormLimits): Promise<Form> {
  const fields = new Map<string, string>()
  let file: string | undefined
  for await (const part of request.parts(parserOptions(limits))) {
    if (part.type === 'file') {
      if (part.fieldname === 'mask') throw invalidRequest(MASK_REFUSAL)
      if (file !== undefined)
        throw invalidRequest('Send one image: this server upscales one picture a request.')
      file = await saveImage(part, limits)
    } else {
      if (fields.has(part.fieldname)) throw invalidRequest(`${shown(part.fieldname)} is given twice.`)
      fields.set(part.fieldname, textOf(part))
    }
  }
  if (file === undefined) throw invalidRequest('image is missing: send it as a file part called "image".')
  return { fields, file }
}

type PartsOptions = NonNullable<Parameters<FastifyRequest['parts']>[0]>

function parserOptions({ maxBytes }: FormLimits): PartsOptions {
  return {
    limits: {
      // One more than is taken, so that what it is can be told.
      files: 2,
      fields: MAX_FIELDS,
      parts: MAX_FIELDS + 2,
      fieldNameSize: 100,
      fieldSize: MAX_FIELD_BYTES,
      fileSize: maxBytes,
      headerPairs: 20,
    },
    // Some clients send an image without a file name.
    isPartAFile: (name, type, fileName) =>
      fileName !== undefined ||
      type === 'application/octet-stream' ||
      (name !== undefined && IMAGE_PARTS.has(name)),
  }
}

async function saveImage(part: MultipartFile, limits: FormLimits): Promise<string> {
  const { fieldname, file: upload } = part
  if (!IMAGE_PARTS.has(fieldname))
    throw invalidRequest(`${shown(fieldname)} came as a file; the file part is "image".`)
  await mkdir(limits.folder, { recursive: true, mode: 0o700 })
  const file = join(limits.folder, FILE_NAME)
  await pipeline(upload, createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  if (upload.truncated) throw tooLarge(limits)
  return file
}

function textOf(part: Extract<Multipart, { type: 'field' }>): string {
  const name = shown(part.fieldname)
  if (part.fieldnameTruncated) throw invalidRequest('The form has a field whose name is too long.')
  if (part.valueTruncated) throw invalidRequest(`${name} has more than ${MAX_FIELD_BYTES} bytes.`)
  // Parts of type application/json arrive parsed.
  if (typeof part.value === 'string') return part.value
  if (typeof part.value === 'number' || typeof part.value === 'boolean') return String(part.value)
  throw invalidRequest(`${name} is no text, number or boolean.`)
}

/** Field names come from outside. */
function shown(name: string): string {
  return /^[\w[\].-]{1,60}$/.test(name) ? name : 'A field'
}

/**
 * Cuts off a body that goes on long after it was refused. Up to twice the limit it is read and dropped, so that a
 * client that is only wrong gets its answer.
 */
function cutEndless(raw: Readable, maxBytes: number): void {
  let received = 0
  raw.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received > 2 * maxBytes) raw.destroy()
  })
  // Listening makes it flow; the parser, which starts it again, is not connected yet.
  raw.pause()
}

function tooLarge({ maxBytes }: FormLimits): ApiError {
  return invalidRequest(`The request is larger than ${maxBytes} bytes.`, { status: 413 })
}

function toRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ApiError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (Object.hasOwn(COMPLAINTS, code)) return invalidRequest(COMPLAINTS[code] ?? '', { cause: error })
  // Everything of the disk has a system code; what is left are the parser's words about a damaged form.
  return code === '' ? invalidRequest('The form is damaged or incomplete.', { cause: error }) : error
}
