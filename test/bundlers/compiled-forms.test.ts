import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Configuration as RspackConfig, rspack } from '@rspack/core'
import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte'
import vue from '@vitejs/plugin-vue'
import MiniCssExtractPlugin from 'mini-css-extract-plugin'
import type { Browser } from 'playwright-core'
import upscaleRspack from 'unplugin-upscale/rspack'
import upscaleVite from 'unplugin-upscale/vite'
import upscaleWebpack from 'unplugin-upscale/webpack'
import { createServer, type InlineConfig, type PluginOption } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VueLoaderPlugin } from 'vue-loader'
import type { Configuration } from 'webpack'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { FRAMEWORK_FORMS, makeFrameworkSite, VITE_FRAMEWORK_FORMS } from '../support/compiled-forms.ts'
import { expectPage, type Form } from '../support/expectations.ts'
import { buildVite, buildWebpack, UPSCALE } from '../support/hosts.ts'
import { buildRspack } from '../support/more-hosts.ts'
import { pageOf } from '../support/plain-site.ts'
import { readPage } from '../support/read-page.ts'
import { serve } from '../support/serve.ts'
import type { Site } from '../support/site.ts'

/*
 * References that reach a bundler through a compiler: Vue and Svelte components, Sass, Less, Stylus and JSX.
 */

let site: Site
let browser: Browser

beforeAll(async () => {
  site = await makeFrameworkSite()
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await site.remove()
})

async function expectSite(outDir: string, base: string, forms: readonly Form[]): Promise<void> {
  const server = await serve(outDir, base)
  try {
    expectPage(await readPage(browser, server.url), forms)
  } finally {
    await server.close()
  }
}

describe('vite', () => {
  const plugins = (): PluginOption[] => [vue(), svelte({ configFile: false, preprocess: vitePreprocess() })]
  const cases: readonly (readonly [name: string, config: InlineConfig])[] = [
    ['inlining', {}],
    ['no inlining and a relative base', { base: './', build: { assetsInlineLimit: 0 } }],
    ['lightningcss', { base: '/sub/', css: { transformer: 'lightningcss' } }],
  ]

  test.skipIf(findChromium() === undefined).each(cases)(
    'every form is upscaled with %s',
    async (name, config) => {
      const outDir = join(site.root, `dist-${name.replace(/\W+/g, '-')}`)
      await buildVite(site, outDir, UPSCALE, { ...config, plugins: plugins() })
      const base = config.base === './' ? '/some/where/' : (config.base ?? '/')
      await expectSite(outDir, base, VITE_FRAMEWORK_FORMS)
    },
  )

  test.skipIf(findChromium() === undefined)('every form is upscaled by the dev server', async () => {
    const server = await createServer({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      base: '/sub/',
      resolve: { alias: { '@': join(site.root, 'src') } },
      optimizeDeps: { noDiscovery: true },
      plugins: [plugins(), upscaleVite(UPSCALE)],
      // The frameworks lie outside of the project.
      server: { host: '127.0.0.1', port: 0, fs: { strict: false } },
    })
    try {
      await server.listen()
      const address = server.httpServer?.address()
      if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
      expectPage(await readPage(browser, `http://127.0.0.1:${address.port}/sub/`), VITE_FRAMEWORK_FORMS)
    } finally {
      await server.close()
    }
  })
})

describe('an address that a compiler leaves in markup', () => {
  const build = async (name: string, text: string): Promise<string> => {
    const outDir = join(site.root, 'dist-markup')
    await mkdir(join(site.root, 'src/markup'), { recursive: true })
    await writeFile(join(site.root, 'src/markup', name), text)
    await writeFile(
      join(site.root, 'src/markup/main.js'),
      `import * as all from './${name}'\nconsole.log(all)\n`,
    )
    await buildVite(site, outDir, UPSCALE, {
      plugins: [vue(), svelte({ configFile: false })],
      build: {
        rollupOptions: {
          input: join(site.root, 'src/markup/main.js'),
          output: { entryFileNames: 'main.js' },
        },
      },
    })
    return readFile(join(outDir, 'main.js'), 'utf8')
  }
  const SHOWN = '<p>\n  Hello <img src="/vue-public.png?upscale=2" alt="">\n</p>\n'
  const QUOTED =
    '<p>\n  Write <b>this</b>: <code>&lt;img src="/vue-public.png?upscale=2"&gt;</code>\n' +
    '  <b>or</b> &lt;img src="/vue-public.png?upscale=2"&gt;\n</p>\n'

  test('fails the build of a Svelte component, with file and line', async () => {
    await expect(build('Shown.svelte', SHOWN)).rejects.toThrow(
      /LEFTOVER_REFERENCE.*"\/vue-public\.png\?upscale=2".*Shown\.svelte:2/s,
    )
  })

  test('fails the build of a module that sets innerHTML, with file and line', async () => {
    const code = `document.body.innerHTML = \`<b>\${Date.now()}</b>${SHOWN}\`\n`
    await expect(build('shown.js', code)).rejects.toThrow(/LEFTOVER_REFERENCE.*shown\.js:2/s)
  })

  test.each([
    ['Quoted.svelte', QUOTED],
    ['Quoted.vue', `<template>\n${QUOTED}</template>\n`],
    [
      'Bound.vue',
      `<script setup>\ndefineProps(['x'])\n</script>\n\n<template>\n<div :class="x">${QUOTED}</div>\n</template>\n`,
    ],
  ])('is no reference where %s shows it as text', async (name, component) => {
    expect(await build(name, component)).toContain('/vue-public.png?upscale=2')
  })
})

describe.each(['webpack', 'rspack'] as const)('%s', host => {
  const at = (name: string): string => fileURLToPath(import.meta.resolve(name))

  test.skipIf(findChromium() === undefined)('every form is upscaled', async () => {
    const outDir = join(site.root, `dist-${host}`)
    if (host === 'webpack') await buildWebpack(forWebpack(outDir))
    else await buildRspack(forRspack(outDir))
    await writeFile(join(outDir, 'index.html'), pageOf('text/javascript', true))
    await expectSite(outDir, '/', FRAMEWORK_FORMS)
  })

  function forWebpack(outDir: string): Configuration {
    return {
      ...common(outDir),
      module: { rules: rules(MiniCssExtractPlugin.loader) },
      plugins: [
        new VueLoaderPlugin(),
        new MiniCssExtractPlugin({ filename: 'main.css' }),
        upscaleWebpack(UPSCALE),
      ],
    }
  }

  function forRspack(outDir: string): RspackConfig {
    return {
      ...common(outDir),
      module: { rules: rules(rspack.CssExtractRspackPlugin.loader) },
      plugins: [
        // Its type names webpack; Rspack has what it uses.
        new VueLoaderPlugin() as never,
        new rspack.CssExtractRspackPlugin({ filename: 'main.css' }),
        upscaleRspack(UPSCALE),
      ],
    }
  }

  const common = (outDir: string) => ({
    mode: 'production' as const,
    context: site.root,
    entry: './src/main.js',
    devtool: false as const,
    performance: { hints: false as const },
    infrastructureLogging: { level: 'none' as const },
    resolve: { alias: { '@': join(site.root, 'src') }, conditionNames: ['svelte', '...'] },
    // svelte-loader names itself in requests.
    resolveLoader: { modules: [fileURLToPath(new URL('../node_modules', import.meta.url))] },
    output: { path: outDir, filename: 'main.js' },
  })

  function rules(extract: string) {
    const css = [extract, at('css-loader')]
    const modules = { loader: at('css-loader'), options: { modules: { namedExport: false } } }
    const type = 'javascript/auto' as const
    return [
      { test: /\.vue$/, loader: at('vue-loader') },
      { test: /\.svelte$/, loader: at('svelte-loader'), options: { emitCss: true } },
      { test: /\.css$/, type, oneOf: [{ resourceQuery: /module/, use: [extract, modules] }, { use: css }] },
      { test: /\.scss$/, type, use: [...css, at('sass-loader')] },
      { test: /\.less$/, type, use: [...css, at('less-loader')] },
      // No rule for WebP, which one of the references asks for.
      { test: /\.png$/, type: 'asset/resource' as const },
    ]
  }
})
