import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Browser } from 'playwright-core'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { serve } from '../support/serve.ts'
import { type Page, picturesToldBy, readPages } from './pages.ts'
import { follow, type Project, startProject, WIDTH } from './project.ts'
import { openTab } from './tab.ts'

const pages = await readPages()
const runnable = pages.filter(({ blocks }) => blocks.some(({ kind }) => kind === 'run'))

let browser: Browser | undefined
let gateway: Gateway
beforeAll(async () => {
  gateway = await startGateway()
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await gateway.close()
})

/** A reader's machine: no CI, a key, and a stand-in for the paid service. */
const environment = (): Record<string, string> => ({
  CI: '',
  NO_COLOR: '1',
  LUMENFALL_API_KEY: 'a-key-of-the-reader',
  LUMENFALL_BASE_URL: gateway.url,
})

describe('code in the documentation', () => {
  test.each(pages.map(page => [page.name, page] as const))('every block of %s says what it is', (_, page) => {
    const unmarked = page.blocks.filter(({ language, kind }) => language !== 'text' && kind === undefined)
    expect(unmarked.map(({ line, language }) => `${page.name}:${line} ${language}`)).toEqual([])
  })

  test.each(runnable.map(page => [page.name, page] as const))(
    '%s can be followed from an empty folder, and makes a picture twice as large',
    async (_, page) => {
      const project = await startProject()
      try {
        for (const picture of picturesToldBy(page)) await project.paint(picture)
        await follow(page.blocks, project, environment())
        const widths = await project.widths()
        expect([...widths.values()], [...widths.keys()].join(' ')).toContain(WIDTH * 2)
        await openPage(project)
      } finally {
        await project.remove()
      }
    },
  )

  test('every block that is not run passes the type checker', async () => {
    const project = await startProject()
    try {
      expect(await typeErrors(pages, project)).toEqual([])
    } finally {
      await project.remove()
    }
  })
})

/** Opens the page that the project built, where it has one: no error, no dead picture, and one of double size. */
async function openPage({ root }: Project): Promise<void> {
  const folder = [join(root, 'dist'), root].find(one => existsSync(join(one, 'index.html')))
  if (folder === undefined || browser === undefined) return
  const server = await serve(folder, '/')
  try {
    const { errors, widths } = await openTab(browser, server.url)
    expect(errors).toEqual([])
    expect(widths).not.toContain(0)
    expect(widths).toContain(WIDTH * 2)
  } finally {
    await server.close()
  }
}

async function typeErrors(all: readonly Page[], { root }: Project): Promise<string[]> {
  const files: string[] = []
  for (const { name, blocks } of all) {
    for (const { kind, file, line, text, language } of blocks) {
      if (kind !== 'types') continue
      const path = join(root, `${name}-${line}`, file ?? `block.${language}`)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, text)
      files.push(path)
    }
  }
  expect(files.length).toBeGreaterThan(0)
  const program = ts.createProgram(files, {
    allowJs: true,
    checkJs: true,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  })
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}
