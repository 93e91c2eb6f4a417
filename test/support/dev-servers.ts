import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createRsbuild } from '@rsbuild/core'
import { rspack } from '@rspack/core'
import { RspackDevServer } from '@rspack/dev-server'
import HtmlWebpackPlugin from 'html-webpack-plugin'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscaleRsbuild from 'unplugin-upscale/rsbuild'
import { webpack } from 'webpack'
import WebpackDevServer from 'webpack-dev-server'
import type { Form } from './expectations.ts'
import { FAMILY_FORMS } from './five-forms.ts'
import { webpackConfig } from './hosts.ts'
import { rspackConfig } from './more-hosts.ts'
import type { Site } from './site.ts'

/** A dev server of webpack's family. */
export interface DevServer {
  readonly forms: readonly Form[]
  start(site: Site, options: UpscaleOptions): Promise<{ readonly url: string; close(): Promise<void> }>
}

/** A server that says nothing and is closed by its test. */
const SERVER = {
  host: '127.0.0.1',
  port: 0,
  static: false as const,
  allowedHosts: 'all' as const,
  client: { logging: 'none' as const },
  setupExitSignals: false,
}

/** Images become files, except those that ask to be inlined. */
const IMAGE_RULES = [
  {
    test: /\.png$/,
    oneOf: [{ resourceQuery: /inline/, type: 'asset/inline' as const }, { type: 'asset/resource' as const }],
  },
]

export const DEV_SERVERS: Readonly<Record<'webpack' | 'rspack' | 'rsbuild', DevServer>> = {
  webpack: {
    forms: FAMILY_FORMS,
    async start(site, options) {
      const more = { mode: 'development' as const, stats: 'none' as const, module: { rules: IMAGE_RULES } }
      const compiler = webpack(webpackConfig(site, `${site.root}/dist`, options, more))
      if (compiler === null) throw new Error('webpack gave no compiler')
      const server = new WebpackDevServer(SERVER, compiler)
      await server.start()
      return { url: urlOf(server.server?.address()), close: () => server.stop() }
    },
  },
  rspack: {
    forms: FAMILY_FORMS,
    async start(site, options) {
      const html = { test: /\.html$/, loader: fileURLToPath(import.meta.resolve('html-loader')) }
      const compiler = rspack(
        rspackConfig(site, `${site.root}/dist`, options, {
          mode: 'development',
          stats: 'none',
          module: { rules: [html, ...IMAGE_RULES] },
          plugins: [new HtmlWebpackPlugin({ template: `${site.root}/src/index.html` }) as never],
        }),
      )
      const server = new RspackDevServer(SERVER, compiler)
      await server.start()
      return { url: urlOf(server.server?.address()), close: () => server.stop() }
    },
  },
  rsbuild: {
    // Its pages are templates in which no image is looked up.
    forms: FAMILY_FORMS.filter(([form]) => form !== 'html'),
    async start(site, options) {
      const instance = await createRsbuild({
        cwd: site.root,
        config: {
          mode: 'development',
          logLevel: 'silent',
          source: { entry: { index: './src/main.js' } },
          html: { template: './src/index.html' },
          server: { host: '127.0.0.1', port: 0, printUrls: false },
          plugins: [upscaleRsbuild(options)],
        },
      })
      const { port, server } = await instance.startDevServer()
      return { url: `http://127.0.0.1:${port}/`, close: () => server.close() }
    },
  },
}

function urlOf(address: AddressInfo | string | null | undefined): string {
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}/`
}
