import { randomUUID } from 'node:crypto'
import { createHttpClient, type HttpRequest, type HttpResponse } from '../../engines/http/client.ts'
import { startDeadline } from '../../engines/http/deadline.ts'
import { UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import { CannotClaim, type DriverHost, type StoreDriver } from './driver.ts'

// Stores that speak HTTP: a web server that takes PUT, and S3. A key is a path, its colons are slashes. All goes through
// the one file that talks HTTP: it has limits of time and of size, can be stopped, and follows no redirect with the
// credentials in hand.
//
// A claim is a PUT with `If-None-Match: *` (RFC 9110, 13.1.2; S3 has it since 2024). Some servers ignore that header,
// nginx among them, and would overwrite the claim of somebody else. So it is tried once, with a value of its own,
// before it is relied on.

/** Signs a request, or adds what else proves who asks. `now` is the time at the server. */
export type Authorise = (
  request: Pick<HttpRequest, 'method' | 'url'> & { readonly now: Date },
) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>

/** No value is larger: that of the queue's largest source. */
const MAX_BYTES = 256 * 1024 * 1024

/** A difference of clocks that a server may refuse, in milliseconds: S3 takes a signature for false after 15 minutes. */
const SKEW_MS = 5 * 60_000

/** What a server answers where there is something already: RFC 9110, and S3 while another PUT is under way. */
const IS_THERE = new Set([409, 412])

/** What a call is about, beside its key. */
interface CallOptions {
  readonly body?: Uint8Array
  readonly maxBytes?: number
  readonly ifAbsent?: boolean
}

/** @param base - the address under which all keys lie */
export function webDriver(base: URL, authorise: Authorise, host: DriverHost): StoreDriver {
  const client = createHttpClient()
  const send = client.via(host.env)
  let claims: Promise<void> | undefined
  /** How far the server's clock is ahead of ours, in milliseconds, as far as it matters. */
  let aheadMs = 0

  /**
   * @param usedMs - what was taken for it in the request
   * @returns whether a refusal may be about the time, which is known better now
   */
  function learnTime({ status, headers }: HttpResponse, usedMs: number): boolean {
    const seenMs = Date.parse(headers.date ?? '') - Date.now()
    if (status !== 403 || !(Math.abs(seenMs - usedMs) > SKEW_MS)) return false
    aheadMs = seenMs
    return true
  }

  async function call(
    method: HttpRequest['method'],
    key: string,
    { body, maxBytes = MAX_BYTES, ifAbsent = false }: CallOptions = {},
  ): Promise<HttpResponse | undefined> {
    const url = addressOf(base, key)
    const deadline = startDeadline(host.timeoutMs, host.stop)
    const { secrets } = host
    try {
      const condition: Record<string, string> = ifAbsent ? { 'if-none-match': '*' } : {}
      // The length that a HEAD tells is not that of its own body.
      const limit = method === 'HEAD' ? Number.MAX_SAFE_INTEGER : maxBytes
      const ask = async (): Promise<HttpResponse> => {
        const proof = await authorise({ method, url, now: new Date(Date.now() + aheadMs) })
        const headers = { ...proof, ...condition }
        const request = { method, url, headers, deadline, secrets, isOrder: false, maxBytes: limit }
        return send({ ...request, ...(body === undefined ? {} : { body }) })
      }
      const usedMs = aheadMs
      const first = await ask()
      const response = learnTime(first, usedMs) ? await ask() : first
      const { status } = response
      if (status === 404 || status === 410) return undefined
      if ((status >= 200 && status < 300) || (ifAbsent && IS_THERE.has(status))) return response
      if (ifAbsent && (status === 400 || status === 501))
        throw new CannotClaim(`${url.host} answered HTTP ${status} to If-None-Match`)
      throw refusal(url, response, secrets)
    } finally {
      deadline.clear()
    }
  }

  async function put(key: string, body: Uint8Array, ifAbsent: boolean): Promise<boolean> {
    const answer = await call('PUT', key, { body, ifAbsent })
    if (answer === undefined) throw notThere(addressOf(base, key))
    return answer.status < 300
  }

  /** @throws CannotClaim for a server that stores a second value in the place of the first, or no first one */
  async function tryClaims(): Promise<void> {
    const key = `upscale:v1:probes:${randomUUID()}`
    const isStored = await put(key, Buffer.from('first'), true)
    const isTaken = await put(key, Buffer.from('second'), true)
    await call('DELETE', key)
    if (!isStored) throw new CannotClaim(`${base.host} says of a new place that there is something already`)
    if (isTaken) throw new CannotClaim(`${base.host} ignores If-None-Match`)
  }

  return {
    has: async key => (await call('HEAD', key)) !== undefined,
    get: async (key, maxBytes) => (await call('GET', key, { maxBytes }))?.body,
    async put(key, value, { ifAbsent = false }) {
      if (ifAbsent) {
        claims ??= tryClaims()
        // What says nothing about the server's ways, such as an outage, is tried again.
        await claims.catch((error: unknown) => {
          if (!(error instanceof CannotClaim)) claims = undefined
          throw error
        })
      }
      return put(key, value, ifAbsent)
    },
    remove: async key => void (await call('DELETE', key)),
    close: () => client.close(),
  }
}

/** Of WebDAV: nothing is wrong with the server but its room. */
const INSUFFICIENT_STORAGE = 507

function addressOf(base: URL, key: string): URL {
  const path = key.split(':').map(encodeURIComponent).join('/')
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/${path}`
  return url
}

function refusal({ host }: URL, { status, body }: HttpResponse, secrets: readonly string[]): UpscaleError {
  const isAbout = status === 401 || status === 403
  const said = safeText(body.toString('utf8').replace(/<[^>]*>/g, ' '), { secrets, maxCharacters: 120 })
  const code = isAbout
    ? 'API_UNAUTHORIZED'
    : (status >= 500 && status !== INSUFFICIENT_STORAGE) || status === 429
      ? 'API_UNAVAILABLE'
      : 'API_REJECTED'
  return new UpscaleError(code, `${host} answered HTTP ${status}${said === '' ? '' : ` (${said})`}`, {
    hint: isAbout ? 'check the credentials and their rights' : 'look at the store and its address',
  })
}

function notThere({ host, pathname }: URL): UpscaleError {
  return new UpscaleError('API_NOT_FOUND', `${host} has no place ${pathname}`, {
    hint: 'check the address, and that the store makes folders by itself',
  })
}
