import { join } from 'node:path'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/vite'
import { createLogger, createServer as createVite8, type InlineConfig, type ViteDevServer } from 'vite'
import { UPSCALE } from './hosts.ts'
import type { Site } from './site.ts'

/** The versions of Vite that the plugin is for. Their types differ in what no test uses. */
const SERVERS: Readonly<Record<'8' | '7' | '6', () => Promise<typeof createVite8>>> = {
  '8': async () => createVite8,
  '7': async () => (await import('vite7')).createServer as unknown as typeof createVite8,
  '6': async () => (await import('vite6')).createServer as unknown as typeof createVite8,
}

export type ViteVersion = keyof typeof SERVERS

/** A dev server that listens, and what it said. */
export interface DevServer {
  /** Address of the site, its base included, with a slash at the end. */
  readonly url: string
  readonly lines: string[]
  close(): Promise<void>
}

/** A dev server that doesn't listen yet, and what it said. @param hearsAll not its warnings and errors alone */
export async function createDevServer(
  site: Site,
  options: UpscaleOptions = {},
  more: InlineConfig = {},
  version: ViteVersion = '8',
  hearsAll = false,
): Promise<{ readonly server: ViteDevServer; readonly lines: string[] }> {
  const lines: string[] = []
  const note = (text: string): void => void lines.push(text)
  const quiet = createLogger('silent')
  const info = hearsAll ? note : quiet.info
  const customLogger = { ...quiet, info, warn: note, warnOnce: note, error: note }
  const createServer = await SERVERS[version]()
  const server = await createServer({
    root: site.root,
    configFile: false,
    customLogger,
    resolve: { alias: { '@': join(site.root, 'src') } },
    optimizeDeps: { noDiscovery: true },
    ...more,
    plugins: [more.plugins, upscale({ ...UPSCALE, ...options })],
    server: { host: '127.0.0.1', port: 0, ...more.server },
  })
  return { server, lines }
}

export async function startDevServer(
  site: Site,
  options?: UpscaleOptions,
  more?: InlineConfig,
  version?: ViteVersion,
): Promise<DevServer> {
  const { server, lines } = await createDevServer(site, options, more, version, true)
  await server.listen()
  server.printUrls()
  const [url] = [...(server.resolvedUrls?.local ?? []), ...(server.resolvedUrls?.network ?? [])]
  if (url === undefined) throw new Error('the server has no address')
  return { url, lines, close: () => server.close() }
}
