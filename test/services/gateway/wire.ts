import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './sale.ts'

/** Writes an answer, or fails on the way as it says. */
export async function send(response: ServerResponse, answer: Answer): Promise<void> {
  const { status, headers = {}, cutAfterBytes, hang, dripMs, framing = 'length' } = answer
  const body = Buffer.from(answer.body ?? '')
  if (hang === true) return
  if (cutAfterBytes === 0) return void response.socket?.resetAndDestroy()
  if (framing === 'close') response.shouldKeepAlive = false
  const length = framing === 'length' && status !== 204 ? { 'content-length': String(body.length) } : {}
  if (framing === 'close') response.useChunkedEncodingByDefault = false
  response.writeHead(status, { ...headers, ...length })
  if (dripMs !== undefined) {
    for (let at = 0; at < body.length && !response.destroyed; at++) {
      response.write(body.subarray(at, at + 1))
      await sleep(dripMs)
    }
  } else if (cutAfterBytes !== undefined) {
    await new Promise<void>(resolve => response.write(body.subarray(0, cutAfterBytes), () => resolve()))
    // Let the bytes leave before the reset, or the client never sees them.
    await sleep(20)
    if (framing === 'close') response.socket?.end()
    else response.destroy()
    return
  }
  response.end(dripMs === undefined ? body : undefined)
}

/** Opens a free port of 127.0.0.1. Returns the origin. */
export function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

/** Closes the port and all connections. */
export function stop(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
