import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Element, isDocument, isTag, isText, type ParentNode } from 'domhandler'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { atOnce } from '../references/steps.ts'
import { findRuledImages, tagRuledImages } from './index.ts'
import { createLimits, type PageLimits } from './page-limits.ts'
import { elementsIn, treeOf } from './page-tree.ts'
import { readSizes } from './shown-size.ts'
import { findSizes } from './size-declarations.ts'

/*
 * What grows faster than a page does ends in minutes on a large one; these pages are so large that it would not end within
 * a test's time.
 */

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-large-pages-'))
  const picture = sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } })
  await picture.png().toFile(join(root, 'a.png'))
})
afterAll(() => rm(root, { recursive: true }))

test('thousands of images are each tagged in their place', async () => {
  const html = '<p><img src="a.png" width="60"></p>'.repeat(2000)
  const images = await findRuledImages(html, [{ shown: true }], {
    file: join(root, 'a.html'),
    root,
    factor: 2,
    fileOf: address => join(root, address),
  })
  const tagged = '<p><img src="a.png" srcset="a.png?upscale=2 1x, a.png?upscale=4 2x" width="60"></p>'
  expect(tagRuledImages(html, images) === tagged.repeat(2000)).toBe(true)
})

function imagesOf(html: string, limits: PageLimits): Element[] {
  return [...elementsIn(atOnce(treeOf(html, limits)))].filter(({ name }) => name === 'img')
}

test('an element is compared with the selectors that may be about it', () => {
  const many = Array.from({ length: 2000 }, (_, at) => `.c${at}, #i${at} { width: ${at}px }`).join('')
  const limits = createLimits('a.html')
  const images = Array.from({ length: 2000 }, (_, at) => `<img id=i${at} class="x c${at}" width=9>`)
  const found = imagesOf(images.join(''), limits)
  const css = `img { width: 1px } ${many} [width] { width: 2px } .C7 { width: 3px }`
  const sheet = atOnce(readSizes([css], found, limits))
  found.forEach((image, at) => {
    expect(sheet.entriesFor(image).map(({ length }) => length)).toEqual([1, at, at, 2])
  })
})

test.each([
  ['blocks in blocks', 'a { width: 1px; '.repeat(5000)],
  ['blocks that name the one around twice', '& & { width: 1px; '.repeat(1000)],
  ['brackets', `${':is('.repeat(20_000)}a { width: 1px }`],
  ['brackets that nothing closes', '('.repeat(200_000)],
  ['long selectors', `${'img,/**/ /**/ '.repeat(5000)}img { width: 1px }`],
  ['long media queries', `@media ${'screen,'.repeat(5000)}print { img { width: 5px } }`],
])('%s are no reason to stop', (_, css) => {
  const limits = createLimits('a.html')
  const [image] = imagesOf('<img>', limits)
  const sheet = atOnce(readSizes([css, 'img { width: 5px }'], image === undefined ? [] : [image], limits))
  expect(sheet.entriesFor(image ?? expect.fail('no image')).map(({ length }) => length)).toContain(5)
})

test('what lies deeper than browsers nest stands beside what it lies in, in the order of the page', () => {
  const document = atOnce(treeOf(`${'<div><b></b>'.repeat(2000)}<style>a{}</style>`, createLimits('a.html')))
  const elements = [...elementsIn(document)]
  expect(elements.slice(3).map(({ name }) => name)).toEqual([
    ...Array.from({ length: 2000 }, () => ['div', 'b']).flat(),
    'style',
  ])
  const levels = (node: ParentNode | null): number =>
    node === null || isDocument(node) ? 0 : 1 + levels(node.parent)
  expect(Math.max(...elements.map(levels))).toBe(512)
  const [style] = elements.slice(-1)
  expect(style?.children).toMatchObject([{ data: 'a{}' }])
  expect(style?.prev).toMatchObject({ name: 'b' })
})

test('the end of an element that lies too deep to be open ends no other one', () => {
  const deep = '<div>'.repeat(600) + '<p><b>'.repeat(100)
  const ends = '</b></p>'.repeat(100) + '</div>'.repeat(600)
  const document = atOnce(
    treeOf(`<main>${deep}<img src=a.png>${ends}<i></i></main><u></u>`, createLimits('a.html')),
  )
  const elements = [...elementsIn(document)]
  const parentOf = (name: string): string | undefined => {
    const parent = elements.find(element => element.name === name)?.parent
    return parent && isTag(parent) ? parent.name : undefined
  }
  expect(elements.filter(({ name }) => name === 'div')).toHaveLength(600)
  expect([parentOf('i'), parentOf('u'), parentOf('img')]).toEqual(['main', 'body', 'div'])
})

test('of a tag with thousands of attributes the first thousand count', () => {
  const attributes = Array.from({ length: 3000 }, (_, at) => `a${at}=${at}`).join(' ')
  const document = atOnce(treeOf(`<img src=a.png ${attributes} a5=other>`, createLimits('a.html')))
  const [image] = [...elementsIn(document)].filter(({ name }) => name === 'img')
  expect(Object.keys(image?.attribs ?? {})).toHaveLength(1000)
  expect(image?.attribs).toMatchObject({ src: 'a.png', a5: '5', a998: '998' })
})

test('a text of many words is whole', () => {
  const text = 'word & word '.repeat(2000)
  const [style] = [...elementsIn(atOnce(treeOf(`<style>${text}</style>`, createLimits('a.html'))))].slice(-2)
  expect(style?.children.map(child => (isText(child) ? child.data : '')).join('')).toBe(text)
})

test('a size of thousands of words is not known, and a longer selector than any selects nothing', () => {
  const css = `img { width: ${'a '.repeat(5000)} } img${', img'.repeat(5000)} { width: 7px } img { width: 8px }`
  const found = [...findSizes(css)].filter(one => one !== undefined)
  expect(found.map(({ selector, length }) => [selector, length])).toEqual([
    ['img', 'unknown'],
    ['img', 8],
  ])
})

/** The looks at elements that it takes to judge the images of a page by its sheet. */
function stepsOf(css: string, html: string): number {
  let steps = 0
  const limits: PageLimits = {
    ...createLimits('a.html'),
    countSteps(count) {
      steps += count
    },
  }
  const images = imagesOf(html, limits)
  const sheet = atOnce(readSizes([css], images, limits))
  for (const image of images) sheet.entriesFor(image)
  return steps
}

const PICTURES = '<img src=a.png>'.repeat(1000)
test.each([
  ['siblings', 'p ~ img { width: 5px }', PICTURES, 999 * 500],
  ['places among siblings', 'img:nth-child(3n) { width: 5px }', PICTURES, 999 * 500],
  ['rules for each image', 'img { width: 5px }'.repeat(500), PICTURES, 1000 * 500],
  ['states of each image', 'img:hover { width: 5px }'.repeat(500), PICTURES, 1000 * 500],
  ['ancestors', 'u b > b img { width: 5px }', '<b><img>'.repeat(1000), 500 * 500],
  ['long values', '[alt*=zz] { width: 5px }'.repeat(500), `<img alt="${'z'.repeat(1_000_000)}">`, 500 * 1000],
])('looks at elements are counted, by whatever a selector asks for them: %s', (_, css, html, least) => {
  expect(stepsOf(css, html)).toBeGreaterThanOrEqual(least)
})

test('looks do not grow with the classes and ids of a sheet that an image does not have', () => {
  const rules = Array.from({ length: 1000 }, (_, at) => `.c${at}, main .d${at}, #i${at} { width: 5px }`)
  const classes = Array.from({ length: 1000 }, (_, at) => `x${at}`).join(' ')
  expect(stepsOf(rules.join(''), `<img class="${classes} c7" id=i8>`)).toBeLessThan(200)
})

test.each([
  ['elements', '<p>'.repeat(1_000_001)],
  ['looks', `<style>${'img{width:5px}'.repeat(10_000)}</style>${'<img src=a.png>'.repeat(10_000)}`],
])('a page that takes too many %s is refused, and named', async (_, html) => {
  const file = join(root, 'page.html')
  const page = { file, root, factor: 2, fileOf: () => join(root, 'a.png') }
  const refusal = findRuledImages(html, [{ shown: true }], page)
  await expect(refusal).rejects.toMatchObject({ code: 'SOURCE_TOO_LARGE', details: { file } })
})

test('a style sheet is read once, and counts where it is linked last', async () => {
  const sheets = { 'wide.css': 'img { width: 60px }', 'small.css': 'img { width: 10px }' }
  for (const [name, css] of Object.entries(sheets)) await writeFile(join(root, name), css)
  const link = (name: string): string => `<link rel=stylesheet href=${name}>`
  const found = async (...names: string[]): Promise<number> => {
    const html = `${names.map(link).join('')}<img src=a.png>`
    const page = { file: '', root, factor: 2, fileOf: (address: string) => join(root, address) }
    return (await findRuledImages(html, [{ shown: true }], page)).length
  }
  expect(await found('wide.css', 'small.css')).toBe(0)
  expect(await found('wide.css', 'small.css', 'wide.css')).toBe(1)
})
