import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findRuledImages, tagRuledImages } from './index.ts'
import { elementsIn, treeOf } from './page-tree.ts'
import { readSizes } from './shown-size.ts'

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
    root,
    factor: 2,
    fileOf: address => join(root, address),
  })
  const tagged = '<p><img src="a.png" srcset="a.png?upscale=2 1x, a.png?upscale=4 2x" width="60"></p>'
  expect(tagRuledImages(html, images) === tagged.repeat(2000)).toBe(true)
})

test('an element is compared with the selectors that may be about it', () => {
  const many = Array.from({ length: 2000 }, (_, at) => `.c${at}, #i${at} { width: ${at}px }`).join('')
  const sheet = readSizes([`img { width: 1px } ${many} [width] { width: 2px } .C7 { width: 3px }`])
  const images = Array.from({ length: 2000 }, (_, at) => `<img id=i${at} class="x c${at}" width=9>`)
  const found = [...elementsIn(treeOf(images.join('')))].filter(({ name }) => name === 'img')
  found.forEach((image, at) => {
    expect(sheet.entriesFor(image).map(({ length }) => length)).toEqual([1, at, at, 2])
  })
})

test.each([
  ['blocks in blocks', 'a { width: 1px; '.repeat(5000)],
  ['blocks that name the one around twice', '& & { width: 1px; '.repeat(1000)],
  ['brackets', `${':is('.repeat(20_000)}a { width: 1px }`],
])('%s are no reason to stop', (_, css) => {
  const sheet = readSizes([css, 'img { width: 5px }'])
  const [image] = [...elementsIn(treeOf('<img>'))].filter(({ name }) => name === 'img')
  expect(sheet.entriesFor(image ?? expect.fail('no image')).map(({ length }) => length)).toContain(5)
})
