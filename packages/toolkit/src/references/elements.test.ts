import { expect, test } from 'vitest'
import { elementsOf } from './elements.ts'
import { scanHtml } from './scan.ts'

const shown = (html: string): unknown[] =>
  [...elementsOf(html)].map(({ name, attributes, text, texts }) => [
    name,
    Object.fromEntries(attributes.map(one => [one.name, one.value])),
    ...(texts.length === 0 ? [] : [text, texts.map(({ start, end }) => html.slice(start, end))]),
  ])

test.each<[string, unknown[]]>([
  ['<p><IMG SRC="a&amp;b" alt=x>', [['img', { src: 'a&b', alt: 'x' }]]],
  ['<a href=1 HREF=2>', [['a', { href: '1' }]]],
  ['<style>a\r\n<b></style>', [['style', {}, 'a\n<b>', ['a\r\n<b>']]]],
  ['<style/><img src=a>', [['style', {}, '<img src=a>', ['<img src=a>']]]],
  [
    '<script src=a></script><script>1',
    [
      ['script', { src: 'a' }],
      ['script', {}, '1', ['1']],
    ],
  ],
  ['<textarea><img src=a></textarea><title><img src=b></title><img src=c>', [['img', { src: 'c' }]]],
  ['<!-- <img src=a> --><template><noscript><img src=b>', [['img', { src: 'b' }]]],
  [
    '<image src=a><svg><image href=b>',
    [
      ['img', { src: 'a' }],
      ['image', { href: 'b' }],
    ],
  ],
  [
    '<svg><use xlink:href="a"/></svg><use xlink:href="b">',
    [
      ['use', { 'xlink:href': 'a' }],
      ['use', { 'xlink:href': 'b' }],
    ],
  ],
  ['<svg><style>a<![CDATA[<b>]]></style></svg>', [['style', {}, 'a<b>', ['a<![CDATA[<b>]]>']]]],
  [
    '<svg><style>a<g id=c>b</g>d</span>e',
    [
      ['style', {}, 'ade', ['a', 'd', 'e']],
      ['g', { id: 'c' }],
    ],
  ],
  [
    '<svg><style/><desc><style><b id=c></style>',
    [
      ['style', {}],
      ['style', {}, '<b id=c>', ['<b id=c>']],
    ],
  ],
  ['<svg><foreignObject><title></title><style><b id=c>', [['style', {}, '<b id=c>', ['<b id=c>']]]],
  ['<svg/><style><b id=c>', [['style', {}, '<b id=c>', ['<b id=c>']]]],
  ['<svg><p><style><b id=c>', [['style', {}, '<b id=c>', ['<b id=c>']]]],
  [
    '<td background=a><tr><option id=b>',
    [
      ['td', { background: 'a' }],
      ['option', { id: 'b' }],
    ],
  ],
  ['<img src=a', []],
])('%s has these elements', (html, expected) => {
  expect(shown(html)).toEqual(expected)
})

test('an element that is never closed is there once, and is rewritten once', () => {
  const html = '<p><b style="background:url(a.png?upscale=2)">x</p><p>y</p><p>z'
  expect(scanHtml(html).references).toHaveLength(1)
  expect(scanHtml(html).rewrite(() => 'b.png')).toBe(
    '<p><b style="background:url(&quot;b.png&quot;)">x</p><p>y</p><p>z',
  )
})

test('a tag has all its attributes, however many there are', () => {
  const written = Array.from({ length: 3000 }, (_, at) => [
    `a${at}=${at}`,
    `B${at}="${at} c"`,
    `c${at} `,
  ]).flat()
  const html = `<p x=1><img ${written.join(' ')} src="a&amp;b" é😀='1'\r\nlast = 2></p y=1 z=2><img src=c>`
  const [p, img, next] = elementsOf(html)
  expect(img?.attributes.map(({ start, end }) => html.slice(start, end).trim())).toEqual([
    ...written.map(text => text.trim()),
    'src="a&amp;b"',
    "é😀='1'",
    'last = 2',
  ])
  expect(img?.attributes.at(-3)).toMatchObject({ name: 'src', value: 'a&b' })
  expect([p?.attributes.length, next?.attributes.map(({ value }) => value)]).toEqual([1, ['c']])
})

test('a page of thousands of elements is read to its end, texts of scripts and styles among them', () => {
  const part = '<p a=1>b</p><style>c</style><svg><style><g d=2></g>e</style></svg><script></script><!--f-->'
  const elements = [...elementsOf(part.repeat(2000))]
  expect(elements).toHaveLength(5 * 2000)
  const texts = elements.map(({ name, text }) => `${name}:${text}`)
  expect(new Set(texts)).toEqual(new Set(['p:', 'style:c', 'style:e', 'g:', 'script:']))
  expect(texts.filter(text => text === 'style:e')).toHaveLength(2000)
})
