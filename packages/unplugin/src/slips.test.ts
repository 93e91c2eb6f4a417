import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slipsIn } from './slips.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-slips-'))
})
afterAll(() => rm(root, { recursive: true }))

const shown = (file: string, text: string): string[] =>
  slipsIn(file, text).map(({ reference, line }) => `${line} ${reference}`)

/** The same of a file with that text. */
async function slipsOf(name: string, text: string): Promise<string[]> {
  const file = join(root, name)
  await writeFile(file, text)
  return shown(file, text)
}

test.each<[string, string, string[]]>([
  ['a.js', 'x = "./a.png?upscal=2"', ['1 ./a.png?upscal=2']],
  ['a.js', '\nx = "./a.png?w=1&upscle=2 2x"', ['2 ./a.png?w=1&upscle=2']],
  ['a.js', '// "./a.png?upscal=2"\nx = "./a.png?upscal=2"', ['2 ./a.png?upscal=2']],
  ['a.js', '/* ./a.png?upscal=2 */', []],
  ['a.js', 'x = ["./a.png?upscale=2", "./a.js?upscal=2", "./a.png?uncool=2"]', []],
  ['a.tsx', 'const a = <img\n  src="./a.png?upscal=2" />', ['2 ./a.png?upscal=2']],
  ['a.css', 'a { background:\nurl(./a.png?upscal=2) }', ['2 ./a.png?upscal=2']],
  ['a.css', '/* url(./a.png?upscal=2) */', []],
  ['a.vue', '<img src="./a.png?w=1&amp;upscal=2">', ['1 ./a.png?w=1&upscal=2']],
  ['a.js', 'x = "./a.png?Upscale=2"', ['1 ./a.png?Upscale=2']],
  ['a.js', 'x = "./a.png?UPSCALE=2"', ['1 ./a.png?UPSCALE=2']],
  ['a.js', 'x = "./a.png?upscale:2"', ['1 ./a.png?upscale:2']],
  ['a.js', 'x = "./a.png#upscale=2"', ['1 ./a.png#upscale=2']],
  ['a.js', 'x = ["./a.png?v=1&upscale=2", "./a.js#upscale", "see &upscale"]', []],
  ['a.css', 'a { background: url(./a.png?v=1&amp;upscale=2) }', ['1 ./a.png?v=1&amp;upscale=2']],
  ['a.html', '<img src="./a.png?v=1&amp;upscale=2">', []],
  ['a.html', '<img src="./a.png&amp;upscale=2">', ['1 ./a.png&upscale=2']],
  ['a.html', '<img src="./a.png%3Fupscale=2">', ['1 ./a.png%3Fupscale=2']],
  ['a.html', '<!-- <img src="./a.png?upscal=2"> -->', []],
  ['a.html', '<img src="./a.png?upscal=2">\n<img src="./a.png?upscal=2">', ['1 ./a.png?upscal=2']],
])('%s: %s', async (name, text, expected) => {
  expect(await slipsOf(name, text)).toEqual(expected)
})

test('a line is one of the file, whatever a plugin put before it', async () => {
  const text = 'x = "./b.png?upscal=2"'
  await slipsOf('b.js', text)
  expect(shown(join(root, 'b.js'), `// added\n${text}`)).toEqual(['1 ./b.png?upscal=2'])
  expect(shown(join(root, 'none.js'), text)).toEqual(['undefined ./b.png?upscal=2'])
})

// What takes the file apart for each of them does not end within a test's time.
test.each(['a.tsx', 'a.vue', 'a.css'])('a hundred thousand slips in %s are told of', async name => {
  const slips = Array.from({ length: 100_000 }, (_, at) => `./a${at}.png?upscal=2`)
  const quoted = slips.map(slip => (name === 'a.css' ? `a{b:url(${slip})}` : `x("${slip}")`))
  const expected = slips.map((slip, at) => `${at + 1} ${slip}`)
  expect((await slipsOf(name, quoted.join('\n'))).join('\n') === expected.join('\n')).toBe(true)
})
