import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, expect, test } from 'vitest'
import { readLedger } from '../billing/ledger.ts'
import { provenanceOf } from '../billing/provenance.ts'
import { resize } from '../engines/resize.ts'
import { createUpscaler, type Upscaler } from '../upscaler.ts'
import { type Archive, type ArchivedImage, openArchive } from './archive.ts'

let root: string
let upscaler: Upscaler
let archive: Archive

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'upscale-archive-'))
  const create = { width: 20, height: 12, channels: 3, background: '#6699cc' } as const
  await sharp({ create }).jpeg().toFile(join(root, 'hero.jpg'))
  // As slow as others in being worth to be kept.
  const engines = { slow: { ...resize, quick: false } }
  upscaler = createUpscaler({ engine: 'slow', engines }, { root, env: {} })
  archive = openArchive(upscaler.options)
})

async function listed(): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = []
  for await (const image of archive.images()) images.push(image)
  return images
}

test('an empty cache has nothing in it, and looking makes no folder', async () => {
  expect(await listed()).toEqual([])
  expect(await readLedger(archive.roots.durable)).toEqual([])
  for await (const _ of archive.records()) expect.fail('a record')
  expect(readdirSync(root)).toEqual(['hero.jpg'])
})

test('an output leads back to its answer and the quality it was encoded with', async () => {
  await upscaler.upscale('hero.jpg', { quality: 71 })
  const made = await upscaler.upscale('hero.jpg', { quality: 42 })
  const image = (await listed()).find(({ facts }) => facts?.sha256 === made.digest)
  expect(image).toMatchObject({ root: 'scratch', shelf: 'outputs', facts: { width: 40, engine: 'resize' } })
  const story = await provenanceOf(image ?? expect.fail('not listed'), archive)
  expect(story).toMatchObject({
    image: { quality: 42, source: { file: 'hero.jpg' } },
    answer: { width: 40, height: 24, format: 'png' },
  })
  expect(story.costMicros).toBeUndefined()
})

test('damage is told and left where it is', async () => {
  const { file } = await upscaler.upscale('hero.jpg')
  const bytes = readFileSync(file)
  bytes[9] = (bytes[9] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const before = readdirSync(root, { recursive: true })
  const damaged = await Promise.all(
    (await listed()).map(async image => [image.shelf, await archive.damageOf(image)]),
  )
  expect(damaged).toEqual([
    ['answers', undefined],
    ['outputs', 'hero-2x.jpg has another SHA-256 than when it was stored'],
  ])
  expect(readdirSync(root, { recursive: true })).toEqual(before)
  expect(readFileSync(file)).toEqual(bytes)
})

test('a picture whose entry is gone is listed without facts', async () => {
  const { file } = await upscaler.upscale('hero.jpg')
  rmSync(join(file, '..', 'entry.json'))
  const [, output] = await listed()
  expect(output).toMatchObject({ shelf: 'outputs', facts: undefined })
  expect(await archive.damageOf(output ?? expect.fail('not listed'))).toBe('entry.json is missing')
})
