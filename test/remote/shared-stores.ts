import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import type { RemoteCache } from 'upscale-core'
import { lacks, startNginx, startRedis } from '../support/servers.ts'
import { startFaultyStore } from './faulty-store.ts'

/** A store of some kind, and what a user writes to use it. */
export interface SharedStore {
  readonly remoteCache: Exclude<RemoteCache, string | false>
  /** The same with credentials that are not accepted. */
  readonly refused: Exclude<RemoteCache, string | false>
  readonly secrets: readonly string[]
  close(): Promise<void>
}

export interface StoreKind {
  readonly name: string
  readonly isMissing: boolean
  start(): Promise<SharedStore>
}

const SECRET = 'hunter2-c0ffee'

/** Real servers: Redis, and nginx with WebDAV. S3 is a stand-in that keeps values by path and checks signatures. */
export const STORE_KINDS: readonly StoreKind[] = [
  {
    name: 'redis',
    isMissing: lacks('redis-server'),
    async start() {
      const server = await startRedis(SECRET)
      return {
        remoteCache: { url: server.url.replace('//', `//:${SECRET}@`) },
        refused: { url: server.url.replace('//', `//:${SECRET}-wrong@`) },
        secrets: [SECRET],
        close: server.close,
      }
    },
  },
  {
    name: 'http',
    isMissing: lacks('nginx'),
    async start() {
      const server = await startNginx(`team:${SECRET}`)
      return {
        remoteCache: { url: `${server.url.replace('//', `//team:${SECRET}@`)}/pictures` },
        refused: { url: `${server.url.replace('//', `//team:${SECRET}-wrong@`)}/pictures` },
        secrets: [SECRET, Buffer.from(`team:${SECRET}`).toString('base64')],
        close: server.close,
      }
    },
  },
  { name: 's3', isMissing: false, start: () => startS3() },
]

/** How old a signature may be in S3, or how far ahead. */
const SIGNED_MS = 15 * 60_000

/**
 * What is stored like in S3: by path, for whoever signs his requests. A second implementation checks the signatures.
 * @param aheadMs - how far its clock is ahead of this machine's
 */
export async function startS3(aheadMs = 0): Promise<SharedStore> {
  const keys = { accessKeyId: 'AKIDEXAMPLE00000001', secretAccessKey: SECRET }
  const isFresh = (at: Date): boolean => Math.abs(at.getTime() - Date.now() - aheadMs) < SIGNED_MS
  const server = await startFaultyStore(request => isSigned(request, keys, isFresh), aheadMs)
  const common = { driver: 's3', bucket: 'pictures', endpoint: server.url, region: 'eu-central-1' }
  return {
    remoteCache: { ...common, ...keys },
    refused: { ...common, ...keys, secretAccessKey: `${SECRET}-wrong` },
    secrets: [SECRET],
    close: server.close,
  }
}

/** True when a request carries the signature, AWS version 4, that the holder of the keys would have made. */
async function isSigned(
  request: IncomingMessage,
  credentials: Credentials,
  isFresh: (at: Date) => boolean,
): Promise<boolean> {
  const { authorization = '', host = '', 'x-amz-date': date = '' } = request.headers
  const match = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([\w-]+)\/s3\/.*SignedHeaders=([\w;-]+)/.exec(
    authorization,
  )
  if (match === null) return false
  const [, region = '', names = ''] = match
  const [year, time] = `${date}`.split('T').map(part => part.match(/\d{2}/g) ?? [])
  const at = new Date(`${year?.slice(0, 2).join('')}-${year?.slice(2).join('-')}T${time?.join(':')}Z`)
  const headers = Object.fromEntries(
    names.split(';').map(name => [name, name === 'host' ? host : `${request.headers[name]}`]),
  )
  const signer = new SignatureV4({
    credentials,
    region,
    service: 's3',
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  })
  const { pathname } = new URL(request.url ?? '', `http://${host}`)
  const asked = { method: request.method ?? '', protocol: 'http:', hostname: host, path: pathname, headers }
  const signed = await signer.sign(asked, {
    signingDate: at,
    signableHeaders: new Set(Object.keys(headers)),
  })
  return signed.headers.authorization === authorization && isFresh(at)
}

interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Node's SHA-256 in the form that the signer takes. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: unknown) {
    const isKey = typeof secret === 'string' || secret instanceof Uint8Array
    this.#hash = isKey ? createHmac('sha256', secret) : createHash('sha256')
  }

  update(data: unknown): void {
    if (typeof data === 'string' || data instanceof Uint8Array) this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}
