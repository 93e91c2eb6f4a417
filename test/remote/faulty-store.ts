import { createServer, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen, stop } from '../services/gateway/wire.ts'

/** What a store does instead of what it should. */
export type Fault =
  | { readonly kind: 'honest' }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'status'; readonly status: number }
  /** Sends a length and half of the bytes. */
  | { readonly kind: 'truncate' }
  /** Sends bytes without an end. */
  | { readonly kind: 'endless' }
  /** Says of every claim that there is something already. */
  | { readonly kind: 'taken' }
  /** Has no room for answers. */
  | { readonly kind: 'answerless' }
  /** Sends somewhere else. */
  | { readonly kind: 'redirect'; readonly to: string }

export interface FaultyStore {
  readonly url: string
  /** Method and path of every request, in order. */
  readonly requests: readonly string[]
  /** What is stored, by path. */
  readonly values: Map<string, Buffer>
  /** Bytes sent in answers to GET. */
  readonly sentBytes: number
  fault: Fault
  close(): Promise<void>
}

/**
 * A store over HTTP on this machine that misbehaves when told to.
 * @param mayEnter - says no to requests that are answered with 403
 * @param aheadMs - how far its clock is ahead of this machine's
 */
export async function startFaultyStore(
  mayEnter: (request: IncomingMessage) => Promise<boolean> = async () => true,
  aheadMs = 0,
): Promise<FaultyStore> {
  const requests: string[] = []
  const values = new Map<string, Buffer>()
  let sentBytes = 0
  const store = { fault: { kind: 'honest' } as Fault }
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    requests.push(`${request.method} ${path}`)
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString())
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const { fault } = store
    if (!(await mayEnter(request))) return void response.writeHead(403).end('<Code>AccessDenied</Code>')
    if (fault.kind === 'hang') return
    if (fault.kind === 'status') return void response.writeHead(fault.status).end('no')
    if (fault.kind === 'redirect') return void response.writeHead(302, { location: fault.to }).end()
    if (fault.kind === 'answerless' && request.method === 'PUT' && path.includes('/answers/'))
      return void response.writeHead(503).end('no')
    if (request.method === 'PUT') {
      if (request.headers['if-none-match'] === '*' && (values.has(path) || fault.kind === 'taken'))
        return void response.writeHead(412).end()
      values.set(path, Buffer.concat(parts))
      return void response.writeHead(201).end()
    }
    if (request.method === 'DELETE') return void response.writeHead(values.delete(path) ? 204 : 404).end()
    const value = values.get(path)
    if (value === undefined) return void response.writeHead(404).end()
    if (request.method === 'HEAD')
      return void response.writeHead(200, { 'content-length': value.length }).end()
    if (fault.kind === 'truncate') {
      response.writeHead(200, { 'content-length': value.length })
      response.write(value.subarray(0, value.length / 2))
      await sleep(20)
      return void response.destroy()
    }
    if (fault.kind === 'endless') {
      response.writeHead(200)
      const piece = Buffer.alloc(64 * 1024)
      while (!response.destroyed) {
        sentBytes += piece.length
        if (!response.write(piece))
          await Promise.race([new Promise(go => response.once('drain', go)), sleep(100)])
      }
      return
    }
    sentBytes += value.length
    response.writeHead(200, { 'content-length': value.length }).end(value)
  })
  const url = await listen(server)
  return Object.assign(store, {
    url,
    requests,
    values,
    get sentBytes() {
      return sentBytes
    },
    close: () => stop(server),
  })
}
