import { join } from 'node:path'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/vite'
import { createLogger, createServer as createVite8, type InlineConfig } from 'vite'
import { UPSCALE } from './hosts.ts'
import type { Site } from './site.ts'

/** The versions of Vite that the plugin is for. Their types differ in what no test uses. */
const SERVERS: Readonly<Record<'8' | '7' | '6', () => Promise<typeof createVite8>>> = {
  '8': async () => createVite8,
  '7': async () => (await import('vite7')).createServer as unknown as typeof createVite8,
  '6': async () => (await import('vite6')).createServer as unknown as typeof createVite8,
}

/** A dev server that listens, and what it said. */
export interface DevServer {
  /** Address of the site, its base included, with a slash at the end. */
  readonly url: string
  readonly lines: string[]
  close(): Promise<void>
}

export async function startDevServer(
  site: Site,
  options: UpscaleOptions = {},
  more: InlineConfig = {},
  version: keyof typeof SERVERS = '8',
): Promise<DevServer> {
  const lines: string[] = []
  const note = (text: string): void => void lines.push(text)
  const customLogger = { ...createLogger('silent'), info: note, warn: note, warnOnce: note, error: note }
  const createServer = await SERVERS[version]()
  const server = await createServer({
    root: site.root,
    configFile: false,
    customLogger,
    resolve: { alias: { '@': join(site.root, 'src') } },
    optimizeDeps: { noDiscovery: true },
    ...more,
    plugins: [upscale({ ...UPSCALE, ...options })],
    server: { host: '127.0.0.1', port: 0, ...more.server },
  })
  await server.listen()
  server.printUrls()
  const [url] = [...(server.resolvedUrls?.local ?? []), ...(server.resolvedUrls?.network ?? [])]
  if (url === undefined) throw new Error('the server has no address')
  return { url, lines, close: () => server.close() }
}
