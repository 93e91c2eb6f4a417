import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ResolvedConfig } from 'vite'

/** The largest body that is read, in bytes: some thousands of ids. */
const MAX_BODY_BYTES = 256 * 1024

/**
 * True for a request that a page of this very server made. Browsers say so twice, and neither header can be set by a
 * script; outside of a secure context, a phone on the same network for one, there is only the second.
 */
export function isOwnRequest({ headers }: IncomingMessage): boolean {
  const { origin } = headers
  // HTTP/2, which Vite speaks over TLS, has another name for it.
  const host = headers.host ?? headers[':authority']
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  if (origin === undefined) return site === 'same-origin'
  return URL.canParse(origin) && new URL(origin).host === host
}

/** True unless another site asks, be it to show our pictures or to read about them. Following a link is no such thing. */
export function isOwnPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return site === undefined || site === 'same-origin' || site === 'none' || isLink
}

/**
 * True for what a page of another site asks for, unless the user lets that site read from the dev server (`server.cors`
 * of Vite, which by itself names the pages of this machine). Browsers name the site; a page can leave its name out, but
 * then they still say that it is another. What says neither is no page.
 */
export function isForeignRequest(
  { headers }: IncomingMessage,
  { server: { cors } }: Pick<ResolvedConfig, 'server'>,
): boolean {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return false
  const page = headers.origin ?? headers.referer
  if (page === undefined || !URL.canParse(page)) return page !== undefined || site !== undefined
  const { origin, host } = new URL(page)
  if (host === (headers.host ?? headers[':authority'])) return false
  return !isAllowedOrigin(origin, typeof cors === 'object' ? cors.origin : cors)
}

function isAllowedOrigin(origin: string, allowed: unknown): boolean {
  if (Array.isArray(allowed)) return allowed.some(one => isAllowedOrigin(origin, one))
  if (allowed instanceof RegExp)
    return new RegExp(allowed.source, allowed.flags.replace(/[gy]/g, '')).test(origin)
  return allowed === true || allowed === '*' || allowed === origin
}

/** The body of a request as JSON; undefined for one that is none, or too long. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) return undefined
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

export function send(
  response: ServerResponse,
  status: number,
  type?: string,
  body?: string | Uint8Array,
): void {
  response.statusCode = status
  if (type !== undefined) response.setHeader('Content-Type', type)
  if (body !== undefined) response.setHeader('Content-Length', Buffer.byteLength(body))
  // Node leaves the body out of the answer to a HEAD request.
  response.end(body)
}

export function refuse(response: ServerResponse, status: number, why: string): void {
  send(response, status, 'text/plain; charset=utf-8', why)
}
