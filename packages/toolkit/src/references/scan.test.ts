import { normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findCssAddresses, printCssAddress } from './css.ts'
import { scanCss, scanCssInRounds, scanHtml, scanHtmlInRounds } from './scan.ts'
import { createSite } from './site.ts'
import { findReferences } from './source-text.ts'
import { candidateAddress, findCandidates } from './srcset.ts'

const HOSTILE = [
  '',
  '\0',
  '<img src="a.png?upscale=2',
  '<img src=a.png?upscale=2 src="b.png?upscale=2">',
  '<img srcset=",,, a.png?upscale=2,,b.png?upscale=2 2x,">',
  '<style>a { background: url(a.png?upscale=2',
  '<style>@media { url("a.png?upscale=2) }</style>',
  '<svg><style><![CDATA[a{background:url(a.png?upscale=2)}]]></style></svg>',
  '<table><img src="a.png?upscale=2"><tr>',
  '<p style="background:url(&quot;a.png?upscale=2&quot;);width:calc((1px">',
  '<template><template><img src="a.png?upscale=2"></template>',
  '\ufeff<\ud800img src="😀.png?upscale=2">',
]

test.each(HOSTILE)('a text whose references stay is the same afterwards: %j', text => {
  expect(scanHtml(text).rewrite(() => undefined)).toBe(text)
  expect(scanCss(text).rewrite(() => undefined)).toBe(text)
})

test.each(HOSTILE)('a text is rewritten once, and then has nothing left: %j', text => {
  const html = scanHtml(text).rewrite(() => 'x.png')
  expect(scanHtml(html).references).toEqual([])
})

test('ten thousand references take no more than a moment', () => {
  const text = '<p>\n<img src="a.png?upscale=2">'.repeat(10_000)
  const started = performance.now()
  const scan = scanHtml(text)
  expect(scan.references).toHaveLength(10_000)
  expect(scan.references.at(-1)?.line).toBe(10_001)
  expect(scan.rewrite(() => 'x.png').length).toBe('<p>\n<img src="x.png">'.length * 10_000)
  expect(performance.now() - started).toBeLessThan(5000)
})

test.each([
  ['url(a.png)', ['a.png']],
  ['url( "a b.png" )', ['a b.png']],
  ["url('a\\'b.png')", ["a'b.png"]],
  ['url(a\\ b.png)', ['a b.png']],
  ['image-set("a.png" 1x, url(b.png) 2x type("image/png"))', ['a.png', 'b.png']],
  ['IMAGE-SET("a.png" 1x)', ['a.png']],
  ['content: "a.png"', []],
  ['/* url(a.png) */', []],
  ['format("a.png") local("b.png")', []],
])('CSS %s has the addresses %j', (css, expected) => {
  expect([...findCssAddresses(css)].map(found => found?.value)).toEqual(expected)
})

test('an address with any characters survives being printed in CSS', () => {
  for (const value of ['a"b.png', "a'b.png", 'a\\b.png', 'a)b.png', 'ü 🙂.png']) {
    for (const css of ['url(x)', 'url("x")', "url('x')", "image-set('x' 1x)"]) {
      const [found] = findCssAddresses(css)
      if (found === undefined) throw new Error(css)
      const printed = css.slice(0, found.start) + printCssAddress(found.form, value) + css.slice(found.end)
      expect([...findCssAddresses(printed)].map(one => one?.value)).toEqual([value])
    }
  }
})

test('a srcset is taken apart as browsers do, and an address of ours stays whole in it', () => {
  const found = [...findCandidates(' a,b.png 1x , c.png,d.png 200w 100h,')].map(({ address, descriptor }) => [
    address,
    descriptor,
  ])
  expect(found).toEqual([
    ['a,b.png', '1x'],
    ['c.png,d.png', '200w 100h'],
  ])
  const [again] = findCandidates(`${candidateAddress('a, b.png')} 2x`)
  expect(again).toMatchObject({ address: 'a%2C%20b.png', descriptor: '2x' })
})

test.each([
  ['../../../etc/x.png', '/site/etc/x.png'],
  ['%2e%2e/%2e%2e/x.png', '/site/x.png'],
  ['/..%2f..%2fx.png', '/site/x.png'],
  ['file:///etc/x.png', undefined],
  ['data:image/png;base64,AAAA', undefined],
  ['//elsewhere.example/x.png', undefined],
])('the address %s leads to %s, never out of the site', (address, expected) => {
  const file = createSite('/site').fileOf(address, '/site/a/index.html', undefined)
  expect(file).toBe(expected === undefined ? undefined : normalize(expected))
})

test.each([
  ["import a from './a.png?upscale=2'", ['./a.png?upscale=2']],
  ['![x](./a.png?upscale=2 "title")', ['./a.png?upscale=2']],
  ['<img src="a.png?upscale=2&amp;engine=x">', ['a.png?upscale=2&engine=x']],
  ['<img srcset="./a.jpg?upscale=2 2x">', ['./a.jpg?upscale=2']],
  ['<img srcset="./b.jpg 1x, ./a.jpg?upscale=2 2x">', ['./a.jpg?upscale=2']],
  ['<img srcset="./b.jpg 1x, ./a.jpg?upscale=2">', ['./a.jpg?upscale=2']],
  [
    '<img srcset="./a.jpg?upscale=2 640w, ./a.jpg?upscale=3 960w">',
    ['./a.jpg?upscale=2', './a.jpg?upscale=3'],
  ],
  [
    '<img srcset="\n  ./a.jpg?upscale=2 2x,\n  ./a.jpg?upscale=3 3x">',
    ['./a.jpg?upscale=2', './a.jpg?upscale=3'],
  ],
  ['const text = "tag it with ?upscale=2"', []],
  ['{{ image }}.png?upscale=2', []],
])('in code, %s has %j', (text, expected) => {
  expect(findReferences('a.tsx', text).map(({ address }) => address)).toEqual(expected)
})

describe('an attribute that holds JSON or code', () => {
  const answer = (text: string): string =>
    scanHtml(text).rewrite(({ address }) => address.replace(/\.png\?upscale=2/, '-2x.png'))

  test.each([
    [
      `<div data-settings='{"image":"hero.png?upscale=2","gap":8}'></div>`,
      `<div data-settings='{"image":"hero-2x.png","gap":8}'></div>`,
    ],
    [
      `<div data-slides="[&quot;a.png?upscale=2&quot;,&quot;b.png&quot;]"></div>`,
      `<div data-slides="[&quot;a-2x.png&quot;,&quot;b.png&quot;]"></div>`,
    ],
    [`<div x-data="{ src: 'a.png?upscale=2' }"></div>`, `<div x-data="{ src: 'a-2x.png' }"></div>`],
    [`<div :style="show('a.png?upscale=2', 1)"></div>`, `<div :style="show('a-2x.png', 1)"></div>`],
  ])('%s has its whole strings rewritten, and nothing else', (page, expected) => {
    expect(answer(page)).toBe(expected)
  })

  test('a string that says more than an address stays', () => {
    const page = `<div data-text='{"help":"write hero.png?upscale=2 here","n":2}'></div>`
    expect(scanHtml(page).references).toEqual([])
    expect(answer(page)).toBe(page)
  })
})

test.each([
  ['a style sheet', scanCssInRounds, 'a{color:#fff}\n'.repeat(400_000), `b{background:url(a.png?upscale=2)}`],
  [
    'the style of a page',
    scanHtmlInRounds,
    `<style>${'a{b:c}'.repeat(600_000)}`,
    `b{d:url(a.png?upscale=2)}`,
  ],
  ['a page', scanHtmlInRounds, '<p class=a>b</p>'.repeat(300_000), `<img src="a.png?upscale=2">`],
  ['data of a page', scanHtmlInRounds, `<p a='[${'"b",'.repeat(800_000)}`, `"a.png?upscale=2"]'>`],
])('%s of megabytes leaves the event loop to others', async (_, scan, long, end) => {
  let rounds = 0
  const others = setInterval(() => rounds++, 0)
  const { references } = await scan(long + end)
  clearInterval(others)
  expect(references.map(({ address }) => address)).toEqual(['a.png?upscale=2'])
  expect(rounds).toBeGreaterThan(2)
})
