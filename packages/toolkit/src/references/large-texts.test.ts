import { expect, test } from 'vitest'
import { findCssAddresses } from './css.ts'
import { findOutputReferences } from './output.ts'
import { scanCss, scanHtml } from './scan.ts'
import { literalText, tokensOf } from './script.ts'
import { findReferences } from './source-text.ts'
import { findCandidates } from './srcset.ts'
import { findStyleTexts } from './style-text.ts'

/*
 * Texts that made a reader overflow, or take minutes: these tests end, or they don't. How the time grows is measured by
 * `pnpm bench:scanners`.
 */

const TAG = 'a.png?upscale=2'
const LARGE = 1_000_000

test('a page of a hundred thousand images', () => {
  const page = `<img src="${TAG}">`.repeat(100_000)
  expect(scanHtml(page).references).toHaveLength(100_000)
})

test('a style sheet with 16 MB of data', () => {
  const data = `data:image/png;base64,${'A'.repeat(16 * LARGE)}`
  for (const css of [`a{background:url(${data}),url(${TAG})}`, `a{background:url("${data}"),url(${TAG})}`]) {
    expect(scanCss(css).references.map(({ address }) => address)).toEqual([TAG])
    expect([...findCssAddresses(css)].at(-1)?.start).toBe(css.indexOf(`url(${TAG}`))
    expect(scanCss(css).rewrite(() => 'b.png')).toBe(css.replace(`url(${TAG})`, 'url("b.png")'))
    expect([...findStyleTexts(css)].map(({ value }) => value.length)).toEqual([data.length, TAG.length])
  }
})

test.each([',', ' ,', ' ', 'a,', 'a ', 'x,, '])('a srcset of many %j', part => {
  const found = [...findCandidates(`${part.repeat(LARGE)} , last.png 2x`)]
  expect(found.at(-1)).toMatchObject({ address: 'last.png', descriptor: '2x' })
})

test.each(['\\"', "\\'", 'url(', 'url( ', 'url("', '/*', 'url(\\"', '"\n'])(
  'a style sheet that opens and never closes %j',
  part => {
    const css = `a{background:url(${TAG})}${part.repeat(LARGE)}`
    expect([...findStyleTexts(css)][0]?.value).toBe(TAG)
    expect(scanCss(css).references[0]?.address).toBe(TAG)
  },
)

test.each(['=', ' ', '"', '(', 'a', '.png?', 'x ', ':', ']', '=a', '`\n'])('a source with many %j', part => {
  const text = `import a from './${TAG}'\n${part.repeat(LARGE)}\nurl(${TAG})`
  const found = findReferences('a.tsx', text).map(({ address }) => address)
  expect(found[0]).toBe(`./${TAG}`)
  expect(found.at(-1)).toBe(TAG)
})

test.each([
  ['a comment of stars', `/*${'* '.repeat(8 * LARGE)}*/`],
  ['a string of escapes', `'${'a\\n'.repeat(8 * LARGE)}'`],
  ['a template of escapes', `f\`${'a\\n'.repeat(8 * LARGE)}\``],
  ['a regular expression of escapes', `x=/${'a\\n'.repeat(8 * LARGE)}/\n`],
])('a script with %s is read to its end', (_, token) => {
  const texts = [...tokensOf(`${token};'./${TAG}'`)].map(literalText)
  expect(texts.at(-1)).toBe(`./${TAG}`)
})

test.each([
  ['words without a sign', `'${TAG}' ${')a.png?b'.repeat(LARGE)}`],
  ['one word without a sign', `'${TAG}' "${'.png?'.repeat(LARGE)}`],
  ['words before a long end', `'${TAG}' "${'a.png?b '.repeat(LARGE / 4)}${'a'.repeat(4 * LARGE)}"`],
])('a source of %s', (_, text) => {
  expect(findReferences('a.tsx', text).map(({ address }) => address)).toEqual([TAG])
})

const inOutput = async (name: string, text: string): Promise<string[]> => {
  const found = await findOutputReferences(name, text, { ownPrefixes: [], isKnown: () => false })
  return found.map(({ reference }) => reference)
}

test.each([
  ['a.css', 'brackets in brackets', `a{background:${'image-set('.repeat(LARGE)}url(${TAG})`],
  ['a.css', 'square brackets', `a{background:url(${TAG})}${'['.repeat(LARGE)}`],
  ['a.css', 'addresses in a declaration', `a{background:${`url(${TAG}),`.repeat(LARGE / 4)}red}`],
  ['a.js', 'strings in lists in lists', `x=${`['<img src="${TAG}">',`.repeat(LARGE / 8)}`],
  ['a.js', 'templates in templates', `${'f(a,`${'.repeat(LARGE / 4)}'${TAG}'${'}/b`,2)'.repeat(LARGE / 4)}`],
  ['a.js', 'one template of much markup', `x=\`${`<img src="${TAG}">\${a}`.repeat(LARGE / 8)}\``],
  ['a.html', 'tags in tags', `${'<b>'.repeat(4 * LARGE)}<img src="${TAG}">`],
])('a %s of %s', async (name, _, text) => {
  expect(await inOutput(name, text)).toEqual([TAG])
})
