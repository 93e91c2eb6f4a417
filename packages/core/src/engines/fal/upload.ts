import { isUpscaleError, UpscaleError } from '../../errors.ts'
import { below } from '../http/address.ts'
import type { Deadline } from '../http/deadline.ts'
import { parseJson, textField } from '../http/json.ts'
import { checkMediaAddress, isPublicOnly, type MediaRules } from '../http/media.ts'
import { repeatsFree, withRetry } from '../http/retry.ts'
import { badAnswer } from '../openai/errors.ts'
import { submitError } from './errors.ts'
import type { Queue } from './queue.ts'

export interface Upload {
  readonly bytes: Uint8Array
  readonly name: string
  /** The address that prepares uploads. */
  readonly base: URL
  /** Where the bytes may go. */
  readonly rules: MediaRules
  readonly deadline: Deadline
  /** How long fal keeps the file, as its header says it. @default fal's own */
  readonly lifecycle?: string
}

const MAX_ANSWER_BYTES = 64 * 1024

/**
 * Puts a PNG into fal's storage and returns its address there. As fal's own client does (fal-js, storage.ts): one
 * request with the key prepares an address, and the bytes are put there without it.
 *
 * Nothing is ordered by this, and nothing charged; all its errors say so.
 *
 * @throws UpscaleError with an API_ code or ABORTED
 */
export async function upload(picture: Upload, queue: Queue): Promise<string> {
  try {
    const { uploadUrl, fileUrl } = await prepare(picture, queue)
    await put(picture, uploadUrl, queue)
    return fileUrl.href
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    const { permanent: _, ...details } = error.details
    throw new UpscaleError(
      error.code,
      `the image could not be uploaded, and nothing was ordered: ${error.problem}`,
      {
        ...details,
        uncharged: true,
      },
    )
  }
}

async function prepare(
  { name, base, rules, deadline, lifecycle }: Upload,
  { apiKey, service, send }: Queue,
): Promise<{ uploadUrl: URL; fileUrl: URL }> {
  const url = below(base, 'storage/upload/initiate')
  url.searchParams.set('storage_type', 'fal-cdn-v3')
  const response = await withRetry(
    send,
    repeatsFree,
  )({
    method: 'POST',
    isOrder: false,
    url,
    headers: {
      accept: 'application/json',
      authorization: `Key ${apiKey}`,
      'content-type': 'application/json',
      // Of uploads the name has no `-Preference` (fal-js, storage.ts).
      ...(lifecycle === undefined ? {} : { 'x-fal-object-lifecycle': lifecycle }),
    },
    body: Buffer.from(JSON.stringify({ content_type: 'image/png', file_name: name })),
    maxBytes: MAX_ANSWER_BYTES,
    deadline,
    secrets: service.secrets,
  })
  const json = parseJson(response.body.toString('utf8'))
  if (response.status !== 200) throw submitError(response, json, service)
  const uploadUrl = textField(json, 'upload_url')
  const fileUrl = textField(json, 'file_url')
  if (uploadUrl === undefined || fileUrl === undefined) {
    throw badAnswer(service, 'prepared an upload and named no address for it')
  }
  return { uploadUrl: checkMediaAddress(uploadUrl, rules), fileUrl: checkMediaAddress(fileUrl, rules) }
}

async function put({ bytes, rules, deadline }: Upload, url: URL, { service, send }: Queue): Promise<void> {
  const response = await withRetry(
    send,
    repeatsFree,
  )({
    method: 'PUT',
    isOrder: false,
    url,
    headers: { 'content-type': 'image/png' },
    body: bytes,
    maxBytes: MAX_ANSWER_BYTES,
    deadline,
    secrets: service.secrets,
    publicOnly: isPublicOnly(url, rules),
  })
  if (response.status >= 200 && response.status < 300) return
  throw submitError(response, parseJson(response.body.toString('utf8')), service)
}
