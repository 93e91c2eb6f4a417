import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { expectPage } from '../support/expectations.ts'
import { UPSCALE } from '../support/hosts.ts'
import { HOSTS, type Host } from '../support/more-hosts.ts'
import { paint } from '../support/pictures.ts'
import { makePlainSite } from '../support/plain-site.ts'
import { readPage } from '../support/read-page.ts'
import { serve } from '../support/serve.ts'
import { writeSite } from '../support/site.ts'

const hosts: readonly (readonly [string, Host])[] = Object.entries(HOSTS)
let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(() => browser?.close())

describe.each(hosts)('%s', (name, host) => {
  test.skipIf(findChromium() === undefined)('upscales every form it can', async () => {
    const site = await makePlainSite(host.abilities)
    const outDir = join(site.root, 'dist')
    await host.build(site, outDir, UPSCALE)
    const server = await serve(outDir, '/')
    try {
      expectPage(await readPage(browser, server.url), site.forms)
    } finally {
      await server.close()
      await site.remove()
    }
  })

  async function failureOf(code: string, ...pictures: string[]): Promise<string> {
    const site = await writeSite({
      'src/main.js': code,
      'index.html': '<!doctype html><html><body><script src="./src/main.js"></script></body></html>',
    })
    await Promise.all(pictures.map(picture => paint(site.root, picture)))
    const failure = await host.build(site, join(site.root, 'dist'), UPSCALE).then(
      () => 'the build did not fail',
      (error: unknown) => String(error),
    )
    await site.remove()
    // Farm prints an error of a plugin as Rust prints a text.
    return failure.replaceAll('\\n', '\n').replaceAll('\\"', '"')
  }

  test('fails for a wrong directive, with image, file, line and remedy', async () => {
    const code = "// The second line has it.\nimport a from './a.png?upscale=9'\nconsole.log(a)\n"
    const failure = await failureOf(code, 'src/a.png')
    expect(failure).toContain('the factor is "9"')
    expect(failure).toContain('[BAD_DIRECTIVE]')
    expect(failure).toMatch(/main\.js:2\b/)
    expect(failure).toContain('fix: ')
  })

  test('fails for a missing image', async () => {
    const failure = await failureOf("import a from './gone.png?upscale=2'\nconsole.log(a)\n")
    expect(failure).toContain('gone.png')
    // webpack's family finds out by itself.
    if (!['rspack', 'rsbuild'].includes(name)) expect(failure).toContain('[SOURCE_NOT_FOUND]')
  })

  test('fails for a reference that is left over', async () => {
    const failure = await failureOf("document.title = './src/a.png?upscale=2'\n", 'src/a.png')
    expect(failure).toContain('[LEFTOVER_REFERENCE]')
    expect(failure).toContain('./src/a.png?upscale=2')
    expect(failure).toMatch(/main\.js:1\b/)
  })
})
