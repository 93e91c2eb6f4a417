import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from 'upscale-core'
import { OWN_KEYS } from 'upscale-core/internal'
import { expect, test } from 'vitest'
import { directivePage } from '../../docs/generate/directive.ts'
import { environmentPage } from '../../docs/generate/environment.ts'
import { DOCS } from './pages.ts'

const PACKAGES = fileURLToPath(new URL('../../packages/', import.meta.url))

const errors = await readFile(join(DOCS, 'errors.md'), 'utf8')
const entries = errors.split(/^### /m).slice(1)

test('the page on errors has an entry for every code, in the order of the sources, and for no other', () => {
  expect(entries.map(entry => entry.split('\n', 1)[0])).toEqual([...ERROR_CODES])
})

test.each(entries.map(entry => [entry.split('\n', 1)[0] ?? '', entry] as const))(
  'the entry of %s says what happened, why, and what to do',
  (_, entry) => {
    for (const part of ['What.', 'Why.', 'What to do.']) {
      expect(entry).toMatch(new RegExp(`^\\*\\*${part}\\*\\* \\S.{20,}`, 'm'))
    }
  },
)

test('the page on failures of paid calls and the README name only codes that exist', async () => {
  const known = new Set<string>(ERROR_CODES)
  for (const file of [join(DOCS, 'failures.md'), join(DOCS, 'ci.md'), join(DOCS, '../README.md')]) {
    const named = (await readFile(file, 'utf8')).matchAll(/`((?:API|ANSWER|CACHE|SOURCE)_[A-Z_]+)`/g)
    expect([...named].map(([, code = '']) => code).filter(code => !known.has(code))).toEqual([])
  }
})

test('the reference of the directive has every key', () => {
  const rows = directivePage().matchAll(/^\| `(\w+)` \|/gm)
  expect([...rows].map(([, name]) => name)).toEqual([...OWN_KEYS])
})

test('every variable that the packages read is in the reference', async () => {
  const documented = environmentPage()
  const names = await readdir(PACKAGES, { recursive: true })
  const sources = names.filter(name => /^\w+[\\/]src[\\/].*(?<!\.test)\.ts$/.test(name))
  const missing = new Set<string>()
  for (const name of sources) {
    const text = await readFile(join(PACKAGES, name), 'utf8')
    const read = [
      ...text.matchAll(/\benv\.([A-Z][A-Z_]+)\b/g),
      ...text.matchAll(/'((?:UPSCALE|LUMENFALL|FAL|IDEOGRAM)_[A-Z_]+)'/g),
    ]
    for (const [, variable = ''] of read)
      if (!documented.includes(`\`${variable}\``)) missing.add(`${variable} in ${name}`)
  }
  // Of Node, of terminals and of Next.js, which sets it by itself; `.env.<mode>` is described instead of NODE_ENV.
  const others = ['NODE_ENV', 'TERM', 'TURBOPACK']
  expect([...missing].filter(entry => !others.some(other => entry.startsWith(`${other} `)))).toEqual([])
})
