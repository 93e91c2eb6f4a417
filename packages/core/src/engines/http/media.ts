import { isUpscaleError, UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import { isLoopback } from './address.ts'
import { readBase64 } from './base64.ts'
import { type HttpResponse, isSuccess, type Send } from './client.ts'
import type { Deadline } from './deadline.ts'
import { headOf, type JsonText } from './large-json.ts'

/** Which addresses of results are opened. */
export interface MediaRules {
  /** The API's address. Its origin is trusted with results too, and a loopback one permits other loopback hosts. */
  readonly base: URL
  /** Further hosts, with a port where it is not 443: `media.lumenfall.ai`, or `*.fal.media` for all names below one. */
  readonly hosts: readonly string[]
}

export interface MediaRequest {
  readonly rules: MediaRules
  readonly send: Send
  readonly deadline: Deadline
  readonly maxBytes: number
  readonly secrets: readonly string[]
  /** What to do where the picture was made and can't be had. */
  readonly lostHint: string
}

const MAX_REDIRECTS = 3

/** Enough of a data: URL to tell one, in characters. */
const DATA_URL_HEAD = 1000

/** The largest picture that is fetched, in bytes: above what 64 megapixels take as PNG, 192 MiB. */
export const MAX_MEDIA_BYTES: number = 192 * 1024 * 1024

/**
 * Downloads a result. The address comes from outside, so it is opened only over https, on a listed host or the API's
 * own origin, without credentials; each redirect is checked like the first address, and names that lead into private
 * networks are refused when connecting. Plain http is for an API on this machine. A `data:` URL is read in place.
 *
 * @throws UpscaleError API_BAD_ANSWER for an address that is not allowed, API_INTERRUPTED where the picture couldn't
 *   be had, ANSWER_TOO_LARGE, ABORTED
 */
export async function fetchMedia(address: JsonText, request: MediaRequest): Promise<Buffer> {
  const inline = await readDataUrl(address, request.lostHint)
  if (inline !== undefined) return inline
  if (typeof address !== 'string') throw refused('it is longer than an address')
  let url = checkMediaAddress(address, request.rules)
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await get(url, request)
    const location = response.headers.location
    if (response.status < 300 || response.status >= 400 || location === undefined)
      return body(response, url, request.lostHint)
    url = checkMediaAddress(location, request.rules, url)
  }
  throw refused('it redirects too often')
}

async function get(
  url: URL,
  { rules, send, deadline, maxBytes, secrets, lostHint }: MediaRequest,
): Promise<HttpResponse> {
  const publicOnly = isPublicOnly(url, rules)
  try {
    return await send({
      method: 'GET',
      isOrder: false,
      url,
      headers: {},
      maxBytes,
      deadline,
      secrets,
      publicOnly,
    })
  } catch (error) {
    if (!isUpscaleError(error) || !/^API_(UNREACHABLE|TIMEOUT)$/.test(error.code)) throw error
    throw lost(error.problem, lostHint, error)
  }
}

/**
 * The picture of an address that holds it, a `data:` URL in base64 of any form. Undefined for any other address.
 * @throws UpscaleError API_BAD_ANSWER for one in another form, ANSWER_CORRUPT for damaged base64
 */
async function readDataUrl(address: JsonText, hint: string): Promise<Buffer | undefined> {
  const head = headOf(address, DATA_URL_HEAD)
  if (!/^\s*data:/i.test(head)) return undefined
  if (!/^\s*data:[^,]{0,200};base64,/i.test(head)) throw refused('it is a data: URL that is not in base64')
  const bytes = await readBase64(address)
  if (bytes !== undefined) return bytes
  throw new UpscaleError('ANSWER_CORRUPT', 'the picture in a data: URL is cut short or damaged', { hint })
}

function body({ status, body }: HttpResponse, url: URL, lostHint: string): Buffer {
  const isWhole = isSuccess(status) && status !== 206
  if (isWhole && body.length > 0) return body
  throw lost(isWhole ? `${url.host} sent nothing` : `${url.host} answered HTTP ${status}`, lostHint)
}

/** True where an allowed address may lead to the public internet only: everywhere but at an API on this machine. */
export function isPublicOnly(url: URL, { base }: MediaRules): boolean {
  return url.origin !== base.origin && !isLoopback(base)
}

/**
 * The address as a URL, where the rules allow to open it.
 * @param from - the address that redirected to it
 * @throws UpscaleError API_BAD_ANSWER
 */
export function checkMediaAddress(address: string, { base, hosts }: MediaRules, from?: URL): URL {
  if (!URL.canParse(address, from?.href)) throw refused('it is no address')
  const url = new URL(address, from?.href)
  if (url.username !== '' || url.password !== '') throw refused('it carries credentials')
  const isLocal = isLoopback(base) && isLoopback(url)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) {
    throw refused(`it is ${url.protocol}, not https:`)
  }
  // One server on this machine has several names: localhost, 127.0.0.1, [::1].
  const isSameServer = isLocal && url.protocol === base.protocol && url.port === base.port
  if (url.origin !== base.origin && !isSameServer && !hosts.some(host => isHost(url.host, host))) {
    throw refused(`${url.host} is not a known media host`)
  }
  return url
}

function isHost(host: string, allowed: string): boolean {
  return allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed
}

function refused(reason: string): UpscaleError {
  const problem = `an address in the answer was not opened, ${safeText(reason, { maxCharacters: 120 })}`
  return new UpscaleError('API_BAD_ANSWER', problem, {
    hint: 'list the host in "mediaHosts" if you trust it',
  })
}

function lost(reason: string, hint: string, cause?: UpscaleError): UpscaleError {
  return new UpscaleError('API_INTERRUPTED', `the picture was made but could not be fetched: ${reason}`, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  })
}
