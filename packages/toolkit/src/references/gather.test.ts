import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Directive, UpscaleError } from 'upscale-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gathered, gatherPictures } from './gather.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-gather-'))
  await writeFile(join(root, 'a.png'), '')
})
afterAll(() => rm(root, { recursive: true }))

/** What sources with these texts ask for; a reference with `bad` in it is wrong. */
async function gathered(...texts: string[]): Promise<Gathered> {
  const files = texts.map((_, at) => join(root, `${at}.tsx`))
  for (const [at, file] of files.entries()) await writeFile(file, texts[at] ?? '')
  async function* sources(): AsyncGenerator<string> {
    yield* files
  }
  return gatherPictures(sources(), { root, nameOf: source => source.slice(root.length + 1), parse })
}

function parse(reference: string): Directive {
  if (reference.includes('bad')) throw new UpscaleError('BAD_DIRECTIVE', 'no', { hint: 'none' })
  const [path = ''] = reference.split('?', 1)
  return { path, requests: [{ factor: 2, engine: 'local' }], as: 'url', rest: '' } as unknown as Directive
}

test('a picture that sources ask for in many places is listed once, with each place in order', async () => {
  const { wanted, wrong } = await gathered(
    "'./a.png?upscale=2'\n'./a.png?upscale=2'",
    "\n'./a.png?upscale=2'",
  )
  expect(
    wanted.map(({ places }) => places.map(({ importer }) => `${importer.file}:${importer.line}`)),
  ).toEqual([['0.tsx:1', '0.tsx:2', '1.tsx:2']])
  expect(wrong).toEqual([])
})

test('what is wrong is told for each place that has it', async () => {
  const { wanted, wrong } = await gathered(
    "'./a.png?upscale=bad'\n'./b.png?upscale=2'\n'./a.png?upscale=bad'",
  )
  expect(wanted).toEqual([])
  expect(wrong.map(({ error, place }) => [error.code, place.importer.line])).toEqual([
    ['BAD_DIRECTIVE', 1],
    ['SOURCE_NOT_FOUND', 2],
    ['BAD_DIRECTIVE', 3],
  ])
})

test('a source with a picture in a hundred thousand places', async () => {
  const { wanted } = await gathered("'./a.png?upscale=2'\n".repeat(100_000))
  expect(wanted.map(({ places }) => places.length)).toEqual([100_000])
})
