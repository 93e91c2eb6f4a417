import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { UpscaleOptions } from '../options.ts'
import { checkForTurbopack, turbopackRules } from './turbopack.ts'
import load from './turbopack-loader.ts'

const root = join(tmpdir(), `upscale-turbopack-${randomUUID()}`)
const source = join(root, 'app/photo.png')

beforeAll(async () => {
  await mkdir(join(root, 'app'), { recursive: true })
  await sharp({ create: { width: 6, height: 4, channels: 3, background: 'teal' } })
    .png()
    .toFile(source)
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rm(root, { recursive: true, force: true }))

/** What the rules of these options make of a request, and what the result is taken for. */
async function request(query: string, options: UpscaleOptions = { engine: 'resize' }) {
  const matching = turbopackRules(options).filter(({ condition }) => holds(condition, query))
  expect(matching).toHaveLength(1)
  const [{ loaders, as } = { loaders: [], as: undefined }] = matching
  const content = await new Promise<string | Buffer | undefined>((resolve, reject) => {
    const context = {
      resourcePath: source,
      resourceQuery: query,
      rootContext: root,
      // Turbopack hands over a copy.
      getOptions: () => JSON.parse(JSON.stringify(loaders[0]?.options)),
      emitWarning: reject,
      async: () => (error: Error | null, result?: string | Buffer) =>
        error ? reject(error) : resolve(result),
    }
    load.call(context, Buffer.from('the source'))
  })
  return { as, content }
}

type Condition = ReturnType<typeof turbopackRules>[number]['condition']

function holds(condition: Condition, query: string): boolean {
  if ('query' in condition) return condition.query.test(query)
  return 'not' in condition ? !holds(condition.not, query) : condition.all.every(one => holds(one, query))
}

test.each([
  ['?upscale=2', undefined, 12, 'png'],
  ['?upscale=2&format=webp', '*.webp', 12, 'webp'],
  ['?upscale=large', '*.jpg', 18, 'jpeg'],
  ['?w=8&upscale', undefined, 12, 'png'],
])('%s becomes a picture that is taken for %s', async (query, as, width, format) => {
  const presets = { large: { factor: 3, format: 'jpeg' as const } }
  const made = await request(query, { engine: 'resize', presets })
  expect(made.as).toBe(as)
  expect(await sharp(made.content as Buffer).metadata()).toMatchObject({ width, format })
})

test('as=srcset becomes code that imports the original and the pictures', async () => {
  const { as, content } = await request('?upscale=2;3&as=srcset&format=webp')
  expect(as).toBe('*.js')
  expect(content).toContain('"./photo.png"')
  expect(content).toContain('"./photo.png?upscale=2&format=webp"')
  expect(content).toContain('"./photo.png?upscale=3&format=webp"')
})

test('a wrong directive names the image and the remedy', async () => {
  await expect(request('?upscale=9')).rejects.toThrow(/\[BAD_DIRECTIVE\].*app\/photo\.png\?upscale=9.*fix: /s)
})

test('an engine, which Turbopack can’t hand over, is refused where it would be used', async () => {
  const engines = { fine: lumenfall({ apiKey: 'lmnfl_test.key' }) }
  await expect(request('?upscale=2', { engines })).rejects.toThrow(/can't hand over engines.*--webpack/s)
})

test('where Turbopack reads the config it is refused before anything is built, and elsewhere not', () => {
  const options: UpscaleOptions = { engines: { fine: lumenfall({ apiKey: 'lmnfl_test.key' }) } }
  const texts: string[] = []
  vi.stubEnv('TURBOPACK', '')
  checkForTurbopack({ ...options, report: 'pictures.html' }, text => texts.push(text))
  expect(texts).toEqual([])
  vi.stubEnv('TURBOPACK', 'auto')
  expect(() => checkForTurbopack(options, text => texts.push(text))).toThrow(/can't hand over engines/)
  checkForTurbopack({ report: 'pictures.html', dts: true, factor: 3 }, text => texts.push(text))
  expect(texts).toEqual([
    expect.stringMatching(/"report" is not written: run npx upscale report$/),
    expect.stringMatching(/"dts" is not written: run npx upscale types$/),
  ])
})
