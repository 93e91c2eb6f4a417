import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyExample, type Example, runIn } from '../support/example.ts'

// Bun is a runtime of its own: the plugin, the cache and the engine all run in it here.

let example: Example

beforeAll(async () => {
  example = await copyExample('bun')
})

afterAll(() => example.remove())

/** Builds a page of these sources in Bun, with plain resampling. Resolves with what was printed; rejects with all of it. */
async function build(sources: Readonly<Record<string, string>>, options = ''): Promise<string> {
  for (const [name, text] of Object.entries({ 'style.css': '', 'main.js': '', ...sources }))
    await writeFile(join(example.root, 'src', name), text)
  await writeFile(
    join(example.root, 'build-one.js'),
    `import upscale from 'unplugin-upscale/bun'
const report = []
await Bun.build({
  entrypoints: ['src/index.html'],
  outdir: 'dist',
  plugins: [upscale({ engine: 'resize', ${options} onReport: told => report.push(told) })],
})
console.log(JSON.stringify(report[0]?.images.map(({ factor, width, origin }) => ({ factor, width, origin }))))
`,
  )
  return runIn(example.root, join(example.root, 'node_modules/.bin/bun'), ['build-one.js'])
}

const PAGE = '<link rel="stylesheet" href="./style.css"><script type="module" src="./main.js"></script>'

test('the example’s page shows the picture in every form that Bun shows plugins', async () => {
  await example.build()
  const files = await readdir(join(example.root, 'dist'))
  const [picture = expect.fail(files.join(' '))] = files.filter(name => name.startsWith('terrazzo-2x-'))
  const { width, height } = await sharp(join(example.root, 'dist', picture)).metadata()
  expect([width, height]).toEqual([320, 320])
  const text = async (end: RegExp): Promise<string> =>
    readFile(join(example.root, 'dist', files.find(name => end.test(name)) ?? ''), 'utf8')
  expect(await text(/\.html$/)).toContain(`src="./${picture}"`)
  expect(await text(/\.js$/)).toContain(picture)
  // Bun inlines what a style sheet names.
  const [, inlined = ''] = /url\("data:image\/png;base64,([^"]+)"/.exec(await text(/\.css$/)) ?? []
  expect((await sharp(Buffer.from(inlined, 'base64')).metadata()).width).toBe(320)
})

test('image-set, poster, a bare specifier of tsconfig and a text are handled; a second build makes nothing', async () => {
  await writeFile(
    join(example.root, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { paths: { '@/*': ['./src/*'] } } }),
  )
  const sources = {
    'index.html':
      '<link rel="stylesheet" href="./style.css"><video poster="./terrazzo.png?upscale=1.5"></video><script type="module" src="./main.js"></script>',
    'style.css': 'p { background: image-set("./terrazzo.png?upscale=3" 2x) }',
    'main.js':
      'import a from "@/terrazzo.png?upscale=2&as=srcset"\nimport b from "./terrazzo.png?upscale=4"\nconsole.log(a, b)',
  }
  const first = JSON.parse(await build(sources)) as { factor: number; width: number; origin: string }[]
  expect(first.map(({ factor, width }) => width / factor)).toEqual([160, 160, 160, 160])
  expect(first.map(({ factor }) => factor).sort()).toEqual([1.5, 2, 3, 4])
  expect(await build(sources)).not.toContain('"engine"')
})

test('a picture that is too large to be inlined into a style sheet is a file, whose address keeps the query', async () => {
  const noise = randomBytes(400 * 300 * 3)
  const picture = sharp(noise, { raw: { width: 400, height: 300, channels: 3 } }).png()
  await writeFile(join(example.root, 'src/large.png'), await picture.toBuffer())
  await build({ 'index.html': PAGE, 'style.css': 'p { background: url("./large.png?upscale=2") }' })
  const dist = join(example.root, 'dist')
  const files = await readdir(dist)
  const css = await Promise.all(
    files.filter(name => name.endsWith('.css')).map(name => readFile(join(dist, name), 'utf8')),
  )
  const [, name = expect.fail(css.join('\n'))] =
    /url\("\.\/(large-2x-\w+\.png)\?upscale=2"\)/.exec(css.join('\n')) ?? []
  expect((await sharp(join(dist, name)).metadata()).width).toBe(800)
})

describe('what Bun does not show, or shows in part, fails the build with the place', () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      'a srcset in a page',
      { 'index.html': '<img src="./terrazzo.png" srcset="./terrazzo.png?upscale=2 2x">' },
      ['BAD_DIRECTIVE', 'index.html:1', 'srcset'],
    ],
    [
      'a srcset whose second address is tagged',
      { 'index.html': '<img srcset="./terrazzo.png 1x, ./terrazzo.png?upscale=2 2x">' },
      ['BAD_DIRECTIVE', 'srcset'],
    ],
    [
      'a style attribute',
      { 'index.html': '<p style="background: url(./terrazzo.png?upscale=2)"></p>' },
      ['LEFTOVER_REFERENCE', './terrazzo.png?upscale=2'],
    ],
    [
      'new URL',
      {
        'index.html': PAGE,
        'main.js': 'console.log(new URL("./terrazzo.png?upscale=2", import.meta.url).href)',
      },
      ['LEFTOVER_REFERENCE', 'main.js:1'],
    ],
    [
      'a text where an address belongs',
      { 'index.html': PAGE, 'style.css': 'p { background: url("./terrazzo.png?upscale=2&as=srcset") }' },
      ['BAD_DIRECTIVE', 'style.css:1', 'a style sheet'],
    ],
    [
      'a picture that is not there',
      { 'index.html': PAGE, 'main.js': 'import a from "./none.png?upscale=2"\nconsole.log(a)' },
      ['SOURCE_NOT_FOUND', 'main.js:1'],
    ],
    [
      'a tag that is misspelled, which leads nowhere',
      { 'index.html': PAGE, 'main.js': '\nimport a from "./terrazzo.png?upscal=2"\nconsole.log(a)' },
      ['Could not resolve', 'main.js:2: "upscal" is no key of ours, did you mean "upscale"?'],
    ],
    [
      'a wrong directive',
      { 'index.html': PAGE, 'main.js': '\nimport a from "./terrazzo.png?upscale=99"\nconsole.log(a)' },
      ['BAD_DIRECTIVE', 'main.js:2'],
    ],
  ])('%s', async (_, sources, parts) => {
    const message = await build(sources).then(
      () => expect.fail('the build went well'),
      (error: Error) => error.message,
    )
    for (const part of parts) expect(message).toContain(part)
  })

  test('or is told only, where leftovers are a warning', async () => {
    const sources = { 'index.html': '<p style="background: url(./terrazzo.png?upscale=2)"></p>' }
    await expect(build(sources, 'leftovers: "warn",')).resolves.toBe('undefined\n')
  })
})
