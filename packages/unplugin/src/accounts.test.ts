import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UpscaleError } from 'upscale-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Asked, findUnreplaced } from './accounts.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-accounts-'))
})
afterAll(() => rm(root, { recursive: true }))

const NOBODY: Asked = {
  parse() {
    throw new UpscaleError('BAD_DIRECTIVE', 'nothing is known of it here', { hint: 'none' })
  },
  seenPictures: function* () {},
  wasAsked: () => false,
  noticeSlips() {},
}

async function unreplacedIn(name: string, text: string): Promise<UpscaleError | undefined> {
  const file = join(root, name)
  await writeFile(file, text)
  return findUnreplaced({ projectUpscaler: NOBODY, root, files: [file], contents: () => [] })
}

const GLOB = "import.meta.glob('./*.png?upscale=2')"

test.each([
  ['a.js', `// ${GLOB}\n`],
  ['a.vue', `<!-- ${GLOB} -->\n`],
])(
  'a glob of %s whose pattern has the tag is named by its line, those of comments are not',
  async (name, comment) => {
    expect(await unreplacedIn(name, comment)).toBeUndefined()
    const error = await unreplacedIn(name, `${comment}\nx = ${GLOB}`)
    expect(error).toMatchObject({
      code: 'LEFTOVER_REFERENCE',
      problem: expect.stringContaining('pattern of a glob'),
    })
  },
)

test.each([
  [
    'in comments',
    Array.from({ length: 30_000 }, (_, at) => `// import.meta.glob('./a${at}.png?upscale=2')\n`).join(''),
  ],
  ['of types without an end', `'a.png?upscale=2'${'import.meta.glob<'.repeat(100_000)}`],
  ['of lists without an end', `'a.png?upscale=2'${'import.meta.glob(['.repeat(30_000)}`],
])('globs %s are read in a time that ends', async (_, text) => {
  expect(await unreplacedIn('a.ts', text)).toBeUndefined()
})
