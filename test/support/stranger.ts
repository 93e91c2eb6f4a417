import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a page of a stranger serves, by path. */
export type Pages = Readonly<Record<string, string>>

export interface Stranger {
  readonly port: number
  close(): Promise<void>
}

/** A site of somebody else, on a port of this machine. */
export async function serveStranger(pages: Pages): Promise<Stranger> {
  const server = createHttpServer(({ url = '/' }, response) => {
    const text = pages[url] ?? pages['/'] ?? ''
    const isScript = url.endsWith('.js')
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html').end(text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
