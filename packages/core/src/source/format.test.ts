import { expect, test } from 'vitest'
import { endsAs, extensionOf, FORMATS, isRasterName } from './format.ts'

test.each([
  'a.png',
  'a.APNG',
  'a.jpg',
  'a.jpeg',
  'a.JPE',
  'a.jfif',
  'a.pjpeg',
  'a.pjp',
  'a.webp',
  'a.avif',
  'a.gif',
  'b/a#1.png',
])('%s can be read', name => {
  expect(isRasterName(name)).toBe(true)
})

test.each(['a.svg', 'a.tiff', 'png', 'a.png.txt', 'apng'])('%s can not', name => {
  expect(isRasterName(name)).toBe(false)
})

test('a file that is written ends as its format does', () => {
  for (const format of FORMATS) expect(endsAs(`a.${extensionOf(format)}`, format)).toBe(true)
  expect(endsAs('a.pjp', 'jpeg')).toBe(true)
  expect(endsAs('a.jpg', 'png')).toBe(false)
})
