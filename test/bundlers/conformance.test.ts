import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import type { InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Configuration } from 'webpack'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { expectPage } from '../support/expectations.ts'
import { picturesOf, VITE_FORMS, WEBPACK_FORMS } from '../support/forms.ts'
import { buildVite, buildWebpack, UPSCALE, type VITES, webpackConfig } from '../support/hosts.ts'
import { readPage } from '../support/read-page.ts'
import { serve } from '../support/serve.ts'
import { makeSite, type Site } from '../support/site.ts'

describe('vite', () => {
  let site: Site
  let browser: Browser

  beforeAll(async () => {
    site = await makeSite('vite', picturesOf(VITE_FORMS))
    if (findChromium() !== undefined) browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await site.remove()
  })

  const toFiles = { assetsInlineLimit: 0 }
  const cases: readonly (readonly [name: string, version: keyof typeof VITES, config: InlineConfig])[] = [
    ['base / and the default inline limit', '8', { base: '/' }],
    ['base / and no inlining', '8', { base: '/', build: toFiles }],
    ['base ./', '8', { base: './' }],
    ['base ./ and no inlining', '8', { base: './', build: toFiles }],
    ['base /sub/', '8', { base: '/sub/' }],
    ['base /sub/ and no inlining', '8', { base: '/sub/', build: toFiles }],
    ['lightningcss', '8', { css: { transformer: 'lightningcss' } }],
    [
      'lightningcss and no inlining',
      '8',
      { base: './', css: { transformer: 'lightningcss' }, build: toFiles },
    ],
    [
      'addresses made by renderBuiltUrl',
      '8',
      {
        base: './',
        build: toFiles,
        experimental: {
          renderBuiltUrl: (file, { hostType }) =>
            hostType === 'js'
              ? { runtime: `location.origin + ${JSON.stringify(`/some/where/${file}`)}` }
              : `/some/where/${file}`,
        },
      },
    ],
    [
      'CSS that is not minified and in one file',
      '8',
      { build: { ...toFiles, cssMinify: false, cssCodeSplit: false } },
    ],
    ['Vite 7', '7', { base: './' }],
    ['Vite 7 and no inlining', '7', { base: '/sub/', build: toFiles }],
    ['Vite 6', '6', { base: './' }],
    ['Vite 6 and no inlining', '6', { base: '/sub/', build: toFiles }],
  ]

  test.skipIf(findChromium() === undefined).each(cases)(
    'every form is upscaled with %s',
    async (name, version, config) => {
      const outDir = join(site.root, `dist-${name.replace(/\W+/g, '-')}`)
      await buildVite(site, outDir, UPSCALE, config, version)
      const server = await serve(outDir, config.base === './' ? '/some/where/' : (config.base ?? '/'))
      try {
        expectPage(await readPage(browser, server.url), VITE_FORMS)
      } finally {
        await server.close()
      }
    },
  )
})

describe('webpack', () => {
  let site: Site
  let browser: Browser

  beforeAll(async () => {
    site = await makeSite('webpack', picturesOf(WEBPACK_FORMS))
    if (findChromium() !== undefined) browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await site.remove()
  })

  const resource = { test: /\.(?:png|jpg|webp)$/i, type: 'asset/resource' as const }
  const cases: readonly (readonly [name: string, base: string, config: Configuration])[] = [
    ['the asset type and an automatic public path', '/some/where/', {}],
    ['asset/resource and an automatic public path', '/some/where/', { module: { rules: [resource] } }],
    ['asset/inline', '/', { module: { rules: [{ ...resource, type: 'asset/inline' }] } }],
    ['an absolute public path', '/sub/', { module: { rules: [resource] }, output: { publicPath: '/sub/' } }],
    ['no rule for images', '/', { module: { rules: [] } }],
    [
      'file names without a hash',
      '/',
      { module: { rules: [resource] }, output: { assetModuleFilename: '[name][ext][query]' } },
    ],
    ['development mode', '/', { mode: 'development', devtool: 'eval' }],
  ]

  test.skipIf(findChromium() === undefined).each(cases)(
    'every form is upscaled with %s',
    async (name, base, more) => {
      const outDir = join(site.root, `dist-${name.replace(/\W+/g, '-')}`)
      await buildWebpack(webpackConfig(site, outDir, UPSCALE, more))
      const server = await serve(outDir, base)
      try {
        expectPage(await readPage(browser, server.url), WEBPACK_FORMS)
      } finally {
        await server.close()
      }
    },
  )
})
