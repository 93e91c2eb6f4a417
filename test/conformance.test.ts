import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import type { InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Configuration } from 'webpack'
import { findChromium, launchChromium } from './support/chromium.ts'
import { expectPage, type Form } from './support/expectations.ts'
import { buildVite, buildWebpack, UPSCALE, webpackConfig } from './support/hosts.ts'
import { readPage } from './support/read-page.ts'
import { serve } from './support/serve.ts'
import { makeSite, readTree, type Site } from './support/site.ts'

const VITE_FORMS: readonly Form[] = [
  // JavaScript
  ['static', 'src/img/static.png', 2],
  ['dynamic', 'src/img/dynamic.png', 2],
  ['glob', 'src/img/glob/one.png', 2],
  ['bare', 'src/img/bare.png', 2],
  ['preset', 'src/img/preset.png', 1.5],
  ['alias', 'src/img/alias.png', 2],
  ['package', 'node_modules/pictures/package.png', 2],
  ['public-js', 'public/public-js.png', 2],
  ['percent', 'src/img/100%.png', 2],
  ['space', 'src/img/my photo (1).png', 2],
  ['unicode', 'src/img/été-写真.png', 2],
  ['jpeg', 'src/img/jpeg.jpg', 2],
  ['webp', 'src/img/webp.webp', 2],
  ['twofold', 'src/img/two-factors.png', 2],
  ['threefold', 'src/img/two-factors.png', 3],
  ['extra', 'src/img/extra.png', 2],
  ['url', 'src/img/url.png', 2],
  ['inlined', 'src/img/inlined.png', 2],
  ['not-inlined', 'src/img/not-inlined.png', 2],
  ['srcset', 'src/img/srcset.png', 1, 2],
  ['srcset-of-two', 'src/img/srcset-of-two.png', 1, 2, 3],
  ['metadata', 'src/img/metadata.png', 2],
  ['new-url', 'src/img/new-url.png', 2],
  ['new-url-comment', 'src/img/new-url-comment.png', 2],
  ['new-url-backticks', 'src/img/new-url-backticks.png', 2],
  ['new-url-template', 'src/img/new-url-template.png', 2],
  ['new-url-public', 'public/new-url-public.png', 2],
  // CSS
  ['css-url', 'src/img/css-url.png', 2],
  ['css-quoted', 'src/img/css-quoted.png', 2],
  ['css-bare', 'src/img/css-bare.png', 2],
  ['css-space', 'src/img/css space.png', 2],
  ['css-alias', 'src/img/css-alias.png', 2],
  ['css-package', 'node_modules/pictures/css-package.png', 2],
  ['css-image-set-url', 'src/img/css-image-set-url.png', 2],
  ['css-image-set-string', 'src/img/css-image-set-string.png', 2],
  ['css-public', 'public/css-public.png', 2],
  ['css-imported', 'src/img/css-imported.png', 2],
  ['css-module', 'src/img/css-module.png', 2],
  // HTML
  ['html-icon', 'src/img/html-icon.png', 2],
  ['html-og', 'src/img/html-og.png', 2],
  ['html-src', 'src/img/html-src.png', 2],
  ['html-unquoted', 'src/img/html-unquoted.png', 2],
  ['html-amp', 'src/img/html-amp.png', 2],
  ['html-space', 'src/img/html space.png', 2],
  ['html-root', 'src/img/html-root.png', 2],
  ['html-public', 'public/html-public.png', 2],
  ['html-srcset', 'src/img/html-srcset.png', 1, 2],
  ['html-as-srcset', 'src/img/html-as-srcset.png', 1, 2, 3],
  ['html-source', 'src/img/html-source.png', 2],
  ['html-picture', 'src/img/html-picture.png', 2],
  ['html-poster', 'src/img/html-poster.png', 2],
  ['html-inline-style', 'src/img/html-inline-style.png', 2],
  ['html-style-element', 'src/img/html-style-element.png', 2],
]

const WEBPACK_FORMS: readonly Form[] = [
  // JavaScript
  ['static', 'src/img/static.png', 2],
  ['dynamic', 'src/img/dynamic.png', 2],
  ['context', 'src/img/context/template.png', 2],
  ['bare', 'src/img/bare.png', 2],
  ['preset', 'src/img/preset.png', 1.5],
  ['alias', 'src/img/alias.png', 2],
  ['package', 'node_modules/pictures/package.png', 2],
  ['percent', 'src/img/100%.png', 2],
  ['space', 'src/img/my photo (1).png', 2],
  ['unicode', 'src/img/été-写真.png', 2],
  ['jpeg', 'src/img/jpeg.jpg', 2],
  ['webp', 'src/img/webp.webp', 2],
  ['twofold', 'src/img/two-factors.png', 2],
  ['threefold', 'src/img/two-factors.png', 3],
  ['extra', 'src/img/extra.png', 2],
  ['srcset', 'src/img/srcset.png', 1, 2],
  ['srcset-of-two', 'src/img/srcset-of-two.png', 1, 2, 3],
  ['metadata', 'src/img/metadata.png', 2],
  ['new-url', 'src/img/new-url.png', 2],
  // CSS
  ['css-url', 'src/img/css-url.png', 2],
  ['css-bare', 'src/img/css-bare.png', 2],
  ['css-space', 'src/img/css space.png', 2],
  ['css-alias', 'src/img/css-alias.png', 2],
  ['css-package', 'node_modules/pictures/css-package.png', 2],
  ['css-image-set-url', 'src/img/css-image-set-url.png', 2],
  ['css-image-set-string', 'src/img/css-image-set-string.png', 2],
  ['css-imported', 'src/img/css-imported.png', 2],
  ['css-module', 'src/img/css-module.png', 2],
  // HTML
  ['html-icon', 'src/img/html-icon.png', 2],
  ['html-src', 'src/img/html-src.png', 2],
  ['html-srcset', 'src/img/html-srcset.png', 1, 2],
  ['html-poster', 'src/img/html-poster.png', 2],
]

const picturesOf = (forms: readonly Form[]): string[] => [...new Set(forms.map(([, picture]) => picture))]

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

  const cases: readonly (readonly [name: string, config: InlineConfig])[] = [
    ['base / and the default inline limit', { base: '/' }],
    ['base / and no inlining', { base: '/', build: { assetsInlineLimit: 0 } }],
    ['base ./', { base: './' }],
    ['base ./ and no inlining', { base: './', build: { assetsInlineLimit: 0 } }],
    ['base /sub/', { base: '/sub/', build: { assetsInlineLimit: 0 } }],
    [
      'lightningcss',
      { css: { transformer: 'lightningcss' }, build: { assetsInlineLimit: 0, cssMinify: 'lightningcss' } },
    ],
    [
      'unminified CSS in one file',
      { build: { assetsInlineLimit: 0, cssMinify: false, cssCodeSplit: false } },
    ],
  ]

  test.skipIf(findChromium() === undefined).each(cases)(
    'every form is upscaled with %s',
    async (name, config) => {
      const outDir = join(site.root, `dist-${name.replace(/\W+/g, '-')}`)
      await buildVite(site, outDir, UPSCALE, config)
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

  const resource = { test: /\.(?:png|jpg|webp)$/, type: 'asset/resource' as const }
  const cases: readonly (readonly [name: string, base: string, config: Configuration])[] = [
    ['the asset type and an automatic public path', '/some/where/', {}],
    ['asset/resource and an automatic public path', '/some/where/', { module: { rules: [resource] } }],
    ['asset/inline', '/', { module: { rules: [{ ...resource, type: 'asset/inline' }] } }],
    ['a public path', '/sub/', { module: { rules: [resource] }, output: { publicPath: '/sub/' } }],
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
