import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { UpscaleOptions } from '../options.ts'
import { checkForTurbopack, ruleKindOf, rulesByQuery, withTurbopackRules } from './turbopack.ts'
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
  const matching = rulesByQuery(options).filter(({ condition }) => holds(condition, query))
  expect(matching).toHaveLength(1)
  const [{ loaders, as } = { loaders: [], as: undefined }] = matching
  return { as, content: await loaded(query, loaders[0]?.options) }
}

/** What the loader makes of a request. */
function loaded(query: string, options: unknown): Promise<string | Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const context = {
      resourcePath: source,
      resourceQuery: query,
      rootContext: root,
      // Turbopack hands over a copy.
      getOptions: () => JSON.parse(JSON.stringify(options)),
      emitWarning: reject,
      emitError: reject,
      async: () => (error: Error | null, result?: string | Buffer) =>
        error ? reject(error) : resolve(result),
    }
    load.call(context, Buffer.from('the source'))
  })
}

type Condition = ReturnType<typeof rulesByQuery>[number]['condition']

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

test('one that fails is told by an error beside a picture, without which Turbopack adds an error of its own', async () => {
  const options = rulesByQuery({ engine: 'resize' })[0]?.loaders[0]?.options
  const errors: Error[] = []
  const content = await new Promise<unknown>((resolve, reject) => {
    const context = {
      resourcePath: join(root, 'app/gone.png'),
      resourceQuery: '?upscale=2',
      rootContext: root,
      getOptions: () => options ?? expect.fail('no rule'),
      emitWarning: reject,
      emitError: (error: Error) => void errors.push(error),
      async: () => (error: Error | null, result?: string | Buffer) =>
        error ? reject(error) : resolve(result),
    }
    load.call(context, Buffer.from('the source'))
  })
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('[SOURCE_NOT_FOUND]')])
  expect(await sharp(content as Buffer).metadata()).toMatchObject({ width: 1, format: 'png' })
})

test('an engine, which Turbopack can’t hand over, is refused where it would be used', async () => {
  const engines = { fine: lumenfall({ apiKey: 'lmnfl_test.key' }) }
  await expect(request('?upscale=2', { engines })).rejects.toThrow(/can't hand over engines.*--webpack/s)
})

test('where Turbopack reads the config it is refused before anything is built, and elsewhere not', () => {
  const options: UpscaleOptions = { engines: { fine: lumenfall({ apiKey: 'lmnfl_test.key' }) } }
  const texts: string[] = []
  vi.stubEnv('TURBOPACK', '')
  checkForTurbopack({ ...options, report: 'pictures.html' }, undefined, text => texts.push(text))
  expect(texts).toEqual([])
  vi.stubEnv('TURBOPACK', 'auto')
  expect(() => checkForTurbopack(options, undefined, text => texts.push(text))).toThrow(
    /can't hand over engines/,
  )
  checkForTurbopack({ report: 'pictures.html', dts: true, factor: 3 }, undefined, text => texts.push(text))
  expect(texts).toEqual([
    expect.stringMatching(/"report" is not written: run npx upscale report$/),
    expect.stringMatching(/"dts" is not written: run npx upscale types$/),
  ])
})

const version = (text: string) => {
  const [major = 0, minor = 0] = text.split('.').map(Number)
  return { major, minor, text }
}

test.each([
  ['13.5.11', 'none'],
  ['15.2.9', 'none'],
  ['15.3.0', 'by-name'],
  ['16.1.7', 'by-name'],
  ['16.2.0', 'by-query'],
  ['17.0.0', 'by-query'],
])('the rules for Turbopack of Next.js %s go %s', (text, kind) => {
  expect(ruleKindOf(version(text))).toBe(kind)
})

test('an old Turbopack, which hands no pictures over, is told of, and a build by webpack not', () => {
  const texts: string[] = []
  vi.stubEnv('TURBOPACK', '')
  checkForTurbopack({}, version('14.2.35'), text => texts.push(text))
  expect(texts).toEqual([])
  vi.stubEnv('TURBOPACK', '1')
  checkForTurbopack({}, version('14.2.35'), text => texts.push(text))
  expect(texts).toEqual([expect.stringMatching(/Next\.js 14\.2\.35.*run "next dev" without --turbo/)])
})

/** What a rule by name makes of a request. */
function byName(query: string, options: UpscaleOptions = { engine: 'resize' }) {
  const rules = withTurbopackRules({}, 'by-name', options) as Record<
    string,
    { loaders: { options: unknown }[] }
  >
  return loaded(query, rules['*.png']?.loaders[0]?.options)
}

test('a rule by name gives tagged pictures in twice the size, and others as they are', async () => {
  expect(await sharp((await byName('?upscale=2')) as Buffer).metadata()).toMatchObject({
    width: 12,
    format: 'png',
  })
  expect(String(await byName(''))).toBe('the source')
})

test.each([
  ['?upscale=2&as=srcset', {}, /can't make as=srcset.*\?upscale=2&as=srcset.*fix: use Next\.js 16\.2/s],
  ['?upscale=2&format=webp', {}, /can't make format=webp.*fix: use Next\.js 16\.2/s],
  ['?upscale=2', { format: 'webp' as const }, /can't make format=webp/],
])('a rule by name refuses %s with %o, since the name would be wrong', async (query, options, error) => {
  await expect(byName(query, { engine: 'resize', ...options })).rejects.toThrow(error)
})

test('loaders that the project has for the same names stay, in front of ours', () => {
  const rules = { '*.png': ['a'], '*.jpg': { loaders: ['b'], as: '*.js' }, '*.svg': { loaders: ['c'] } }
  const ours = expect.objectContaining({ loader: expect.stringMatching(/turbopack-loader\.mjs$/) })
  expect(withTurbopackRules(rules, 'by-name', { engine: 'resize' })).toMatchObject({
    '*.png': { loaders: ['a', ours] },
    '*.jpg': { loaders: ['b', ours], as: '*.js' },
    '*.svg': { loaders: ['c'] },
    '*.webp': { loaders: [ours] },
    '*.PNG': { loaders: [ours] },
  })
})
