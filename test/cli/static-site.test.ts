import { execFile } from 'node:child_process'
import { cp, readFile, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { type StaticServer, serve } from '../support/serve.ts'
import { readTree } from '../support/site.ts'
import { BINARY, makeProject, type Project } from './command.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/static-site', import.meta.url))

let project: Project

beforeAll(async () => {
  project = await makeProject()
  await Promise.all(
    ['site', 'Makefile'].map(name => cp(join(EXAMPLE, name), project.path(name), { recursive: true })),
  )
  await make()
})
afterAll(() => project.remove())

async function make(): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, UPSCALE: `"${process.execPath}" "${BINARY}"`, FLAGS: '--engine resize' }
  return (await promisify(execFile)('make', [], { cwd: project.root, env })).stdout
}

test('the example leaves no tag behind, and names every file by its content', async () => {
  for (const name of ['index.html', 'style.css', 'notes/lake.html']) {
    expect(await project.read(`dist/${name}`)).not.toContain('upscale')
  }
  const files = [...(await readTree(project.path('dist/pictures'))).keys()].filter(name =>
    name.includes('2x'),
  )
  // Their digests decide the order on disk.
  expect(files.map(name => name.replace(/[0-9a-f]{10}/, '#')).sort()).toEqual([
    'chart-2x-#.png',
    'chart-2x-#.webp',
    'icon-2x-#.png',
    'lake-2x-#.jpg',
    'terrazzo-2x-#.png',
  ])
})

test('building again from nothing gives the same bytes, out of the cache', async () => {
  const before = await readTree(project.path('dist'))
  await rm(project.path('dist'), { recursive: true })
  expect(await make()).toContain('0 upscaled, 5 from the cache')
  expect(await readTree(project.path('dist'))).toEqual(before)
  expect(await readFile(project.path('site/index.html'), 'utf8')).toContain('?upscale=2')
})

test('make builds again only after a change, and after a failure', async () => {
  expect(await make()).toContain('up to date')
  const before = await readTree(project.path('dist'))
  const page = await project.read('site/index.html')
  // Whole seconds apart, as far as make can tell.
  await utimes(project.path('dist'), new Date(0), new Date(0))
  await project.write('site/index.html', page.replace('icon.png?upscale=2', 'gone.png?upscale=2'))
  for (const _ of [1, 2]) await expect(make()).rejects.toThrow('gone.png')
  await project.write('site/index.html', page)
  expect(await make()).toContain('5 from the cache')
  expect(await readTree(project.path('dist'))).toEqual(before)
})

interface SeenImage {
  readonly id: string
  readonly size: string
  readonly file: string
}

const LOOK = `Promise.all([...document.images].map(async image => {
  await image.decode()
  const file = new URL(image.currentSrc).pathname
  const probe = new Image()
  probe.src = image.currentSrc
  await probe.decode()
  return { id: image.id, size: probe.naturalWidth + 'x' + probe.naturalHeight, file }
}))`

test.runIf(findChromium())('in a browser every picture is there in the size asked for', async () => {
  const browser: Browser = await launchChromium()
  const server: StaticServer = await serve(project.path('dist'), '/')
  const gone: string[] = []
  try {
    const context = await browser.newContext({ deviceScaleFactor: 2 })
    const page = await context.newPage()
    page.on('response', response => {
      if (response.status() >= 400) gone.push(response.url())
    })
    await page.goto(server.url)
    const front = await page.evaluate<SeenImage[]>(LOOK)
    await page.goto(`${server.url}notes/lake.html`)
    const note = await page.evaluate<SeenImage[]>(LOOK)
    const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundImage')
    const seen = [...front, ...note].map(
      ({ id, size, file }) => `${id} ${size} ${file.replace(/[0-9a-f]{10}/, '#')}`,
    )
    expect(seen).toEqual(SEEN)
    expect(background).toMatch(/terrazzo-2x-[0-9a-f]{10}\.png/)
    expect(gone).toEqual([])
  } finally {
    await server.close()
    await browser.close()
  }
})

/** Twice the size of the pictures in `site/`, except for the one that nobody asked for. */
const SEEN = [
  'lake 1200x750 /pictures/lake-2x-#.jpg',
  'chart 800x520 /pictures/chart-2x-#.webp',
  'icon 48x48 /pictures/icon.png',
  'dense 1200x750 /pictures/lake-2x-#.jpg',
]
