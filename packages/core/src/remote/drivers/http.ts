import { createHttpClient, type HttpRequest, type HttpResponse } from '../../engines/http/client.ts'
import { startDeadline } from '../../engines/http/deadline.ts'
import { UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import type { DriverHost, RemoteDriver } from './driver.ts'

// Drivers for stores that speak HTTP, with the addresses and verbs of unstorage's own `http` and `s3` drivers, so that
// either side can be exchanged. Those have no time limit, no limit of size, can't be stopped, and follow redirects
// with the credentials in hand; here all goes through the one file that talks HTTP.

/** Signs a request, or adds what else proves who asks. */
export type Authorise = (
  request: Pick<HttpRequest, 'method' | 'url'>,
) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>

/** No value is larger: that of the queue's largest source. */
const MAX_BYTES = 256 * 1024 * 1024

/** @param base - the address under which all keys lie */
export function webDriver(base: URL, authorise: Authorise, host: DriverHost): RemoteDriver {
  const client = createHttpClient()
  const send = client.via(host.env)

  async function call(
    method: HttpRequest['method'],
    key: string,
    { body, maxBytes = MAX_BYTES }: { readonly body?: Uint8Array; readonly maxBytes?: number } = {},
  ): Promise<HttpResponse | undefined> {
    const url = addressOf(base, key)
    const deadline = startDeadline(host.timeoutMs, host.stop)
    const { secrets } = host
    try {
      const headers = { ...(await authorise({ method, url })) }
      const request = { method, url, headers, deadline, secrets, isOrder: false }
      // The length that a HEAD tells is not that of its own body.
      const limit = method === 'HEAD' ? Number.MAX_SAFE_INTEGER : maxBytes
      const response = await send({ ...request, maxBytes: limit, ...(body === undefined ? {} : { body }) })
      if (response.status === 404 || response.status === 410) return undefined
      if (response.status >= 200 && response.status < 300) return response
      throw refusal(url, response, secrets)
    } finally {
      deadline.clear()
    }
  }

  return {
    name: 'web',
    hasItem: async key => (await call('HEAD', key)) !== undefined,
    getItem: async key => (await call('GET', key))?.body.toString() ?? null,
    getItemRaw: async (key, { maxBytes }) =>
      (await call('GET', key, maxBytes === undefined ? {} : { maxBytes }))?.body ?? null,
    async setItemRaw(key, value) {
      if (!(value instanceof Uint8Array)) throw new TypeError('only bytes are stored')
      const answer = await call('PUT', key, { body: value })
      if (answer === undefined) throw notThere(addressOf(base, key))
    },
    removeItem: async key => void (await call('DELETE', key)),
    getKeys: () => [],
    dispose: () => client.close(),
  }
}

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
    : status >= 500 || status === 429
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
