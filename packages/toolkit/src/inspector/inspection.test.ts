import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { createUpscaler, type Upscaler } from 'upscale-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sourcesIn } from '../references/sources.ts'
import { createInspection, type Inspection, type SeenPicture } from './inspection.ts'

let root: string
let upscaler: Upscaler
let inspection: Inspection
const met: SeenPicture[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-inspection-'))
  met.length = 0
  await mkdir(join(root, 'img'))
  for (const name of ['a', 'b']) {
    const picture = sharp({
      create: { width: 6, height: 4, channels: 3, background: name === 'a' ? 'red' : 'blue' },
    })
    await picture.png().toFile(join(root, `img/${name}.png`))
  }
  await writeFile(join(root, 'main.js'), "import a from './img/a.png?upscale=2'\n")
  await writeFile(join(root, 'page.html'), '<p>\n<img src="img/a.png?upscale=2">')
  upscaler = createUpscaler({ root, engine: 'resize' }, { root, env: {} })
  inspection = createInspection({ view: upscaler, sources: () => sourcesIn(root), seenPictures: () => met })
})
afterEach(async () => {
  await upscaler.close()
  await rm(root, { recursive: true })
})

const shown = (): unknown[] =>
  inspection
    .pictures()
    .map(({ shown: { name, state, places } }) => [
      name,
      state,
      places.map(place => `${place.name}:${place.line}`).join(),
    ])

test('a picture is one row with all its places, and follows the cache', async () => {
  await inspection.look()
  expect(shown()).toEqual([['img/a.png', 'missing', 'main.js:1,page.html:2']])
  await upscaler.upscale('img/a.png', { factor: 2 })
  inspection.forgetPictures()
  const { revision } = inspection
  await inspection.look()
  expect(shown()).toEqual([['img/a.png', 'finished', 'main.js:1,page.html:2']])
  expect(inspection.revision).toBeGreaterThan(revision)
  expect(inspection.pictures()[0]?.shown).toMatchObject({
    original: { width: 6, height: 4 },
    finished: { width: 12, height: 8 },
  })
})

test('nothing is searched or examined again while nothing changes', async () => {
  await inspection.look()
  const { revision } = inspection
  await writeFile(join(root, 'more.js'), "import b from './img/b.png?upscale=2'\n")
  await inspection.look()
  expect([inspection.revision, shown()]).toEqual([
    revision,
    [['img/a.png', 'missing', 'main.js:1,page.html:2']],
  ])
  inspection.forgetSources()
  expect(shown()).toHaveLength(1)
  await inspection.look()
  expect(shown()).toContainEqual(['img/b.png', 'missing', 'more.js:1'])
})

test('what a bundler met is there beside what the sources spell out, and its failure is told', async () => {
  const [request] = upscaler.parse('./img/b.png?upscale=3')?.requests ?? []
  if (request === undefined) throw new Error('no request')
  const common = { file: join(root, 'img/b.png'), request, reference: '/img/b.png?upscale=3' }
  met.push({ ...common, place: { name: '/img/b.png?upscale=3' }, isWorking: true, changes: 1 })
  await inspection.look()
  expect(shown()).toContainEqual(['img/b.png', 'working', '/img/b.png?upscale=3:undefined'])
  const error = await upscaler.plan('img/b.png', { factor: 99 }).catch(reason => reason)
  met[0] = { ...common, place: { name: '/img/b.png?upscale=3' }, isWorking: false, changes: 2, error }
  await inspection.look()
  const row = inspection.pictures().find(({ shown: { name } }) => name === 'img/b.png')?.shown
  expect(row).toMatchObject({ state: 'missing', message: expect.stringContaining('[BAD_DIRECTIVE]') })
})

test('a reference that leads nowhere is a row of its own, after the pictures', async () => {
  await writeFile(join(root, 'a.css'), 'a { background: url(gone.png?upscale=2) }')
  await inspection.look()
  expect(shown()).toEqual([
    ['img/a.png', 'missing', 'main.js:1,page.html:2'],
    ['gone.png?upscale=2', 'wrong', 'a.css:1'],
  ])
})
