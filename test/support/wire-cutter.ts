import { connect, createServer, type Socket } from 'node:net'

/** The way to a server, which can be cut. */
export interface WireCutter {
  readonly port: number
  /** Ends all connections, and takes no others. */
  cut(): void
  /** Lets nothing through any more, and tells nobody: connections stay, and new ones are taken. */
  hold(): void
  /** What was held is lost; new connections are as before. */
  mend(): void
  close(): Promise<void>
}

/** @param port - of a server on this machine */
export async function startWireCutter(port: number): Promise<WireCutter> {
  let state: 'open' | 'cut' | 'held' = 'open'
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    // Either end may go at any time; what matters is what the programs at the ends make of it.
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  }
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer(client => {
    keep(client)
    if (state === 'cut') return void client.destroy()
    if (state === 'held') return void client.pause()
    const behind = connect(port, '127.0.0.1')
    keep(behind)
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      from.on('data', bytes => {
        if (state !== 'held') to.write(bytes)
      })
      from.once('close', () => to.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    cut() {
      state = 'cut'
      drop()
    },
    hold() {
      state = 'held'
    },
    mend() {
      if (state === 'held') drop()
      state = 'open'
    },
    close() {
      drop()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
