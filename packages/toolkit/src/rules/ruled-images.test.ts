import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkRules, findRuledImages, tagRuledImages, type UpscaleRule } from './index.ts'
import { findSizes } from './size-declarations.ts'

let root = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-rules-'))
  const picture = sharp({ create: { width: 300, height: 200, channels: 3, background: 'red' } }).jpeg()
  await writeFile(join(root, 'a.jpg'), await picture.toBuffer())
  // The camera was held upright: 200 wide, 300 high.
  await writeFile(join(root, 'turned.jpg'), await picture.withMetadata({ orientation: 6 }).toBuffer())
  await writeFile(join(root, 'site.css'), '.card img { width: 600px }')
})
afterAll(() => rm(root, { recursive: true }))

async function apply(html: string, ...rules: UpscaleRule[]): Promise<string> {
  const fileOf = (address: string): string => join(root, address.replace(/[?#].*/, ''))
  return tagRuledImages(
    html,
    await findRuledImages(html, rules, { file: join(root, 'a.html'), root, factor: 2, fileOf }),
  )
}

/** The `srcset` that one image gets. */
async function srcsetOf(html: string, ...rules: UpscaleRule[]): Promise<string | undefined> {
  return / srcset="([^"]*)"/.exec(await apply(html, ...rules))?.[1]?.replaceAll('&amp;', '&')
}

describe('an image that is shown too large', () => {
  const HALF = 'a.jpg 1x, a.jpg?upscale=2 2x'
  const DOUBLE = 'a.jpg?upscale=2 1x, a.jpg?upscale=4 2x'
  test.each([
    ['<img src=a.jpg width=300>', HALF],
    ['<img src=a.jpg width=220>', 'a.jpg 1x, a.jpg?upscale=1.5 2x'],
    ['<img src=a.jpg width=150>', undefined],
    ['<img src=a.jpg width=600>', DOUBLE],
    ['<img src=a.jpg height=400>', DOUBLE],
    ['<img src=a.jpg width=3000>', 'a.jpg?upscale=4 1x'],
    ['<img src=a.jpg width="50%">', undefined],
    ['<img src=a.jpg>', undefined],
    ['<img src=a.jpg style="width: 600px">', DOUBLE],
    ['<img src=a.jpg width=600 style="width: 100px">', undefined],
    ['<img src=a.jpg width=600 style="width: 100%">', undefined],
    ['<style>img { width: 600px; height: auto }</style><img src=a.jpg width=10 height=10>', DOUBLE],
    ['<style>#x { width: 100px } img { width: 600px }</style><img id=x src=a.jpg>', undefined],
    ['<style>#x { width: 100px } img { width: 600px !important }</style><img id=x src=a.jpg>', DOUBLE],
    [
      '<style>img { width: 100px } @media (min-width: 9px) { img { width: 18.75rem } }</style><img src=a.jpg>',
      HALF,
    ],
    ['<style>img { max-width: 300px }</style><img src=a.jpg width=600>', HALF],
    ['<style>main { & img { width: 600px } }</style><main><img src=a.jpg></main>', DOUBLE],
    ['<style>img:hover { width: 600px }</style><img src=a.jpg>', undefined],
    ['<link rel=stylesheet href=site.css><p class=card><img src=a.jpg></p>', DOUBLE],
    ['<picture><source srcset=a.avif type=image/avif><img src=a.jpg width=300></picture>', undefined],
    ['<picture><source srcset=b.jpg media="(width < 600px)"><img src=a.jpg width=300></picture>', HALF],
    ['<img src=turned.jpg width=200>', 'turned.jpg 1x, turned.jpg?upscale=2 2x'],
  ])('%s', async (html, expected) => {
    expect(await srcsetOf(html, { shown: true })).toBe(expected)
  })
})

describe('a rule', () => {
  test.each<[UpscaleRule, string | undefined]>([
    [{ files: 'photos/**' }, undefined],
    [{ files: '*.jpg' }, 'a.jpg 1x, a.jpg?upscale=2 2x'],
    [{ files: ['*.png', '/a.*'], factor: 3 }, 'a.jpg 1x, a.jpg?upscale=3 3x'],
    [{ within: 'main', format: 'webp', quality: 70 }, 'a.jpg 1x, a.jpg?upscale=2&format=webp&quality=70 2x'],
    [{ within: 'aside' }, undefined],
    [{ within: 'main', files: '*.png' }, undefined],
    [{ engine: 'resize' }, 'a.jpg 1x, a.jpg?upscale=2&engine=resize 2x'],
  ])('%j', async (rule, expected) => {
    expect(await srcsetOf('<main><img src="a.jpg"></main>', rule)).toBe(expected)
  })

  test('before another one decides', async () => {
    const html = '<img src="a.jpg"><img src="turned.jpg">'
    expect(await apply(html, { files: 'turned.*', upscale: false }, {})).toBe(
      '<img src="a.jpg" srcset="a.jpg 1x, a.jpg?upscale=2 2x"><img src="turned.jpg">',
    )
  })

  test.each([
    '<img src="a.jpg" data-upscale="off">',
    '<div data-upscale="off"><p><img src="a.jpg"></div>',
    '<img src="a.jpg" srcset="a.jpg 1x">',
    '<img src="a.jpg?upscale=3">',
    '<img src="missing.jpg">',
    '<img src="https://example.com/a.jpg">',
    '<img src="a.svg"><img>',
    '<style>img { width: 5px',
  ])('leaves %s as it is', async html => {
    expect(await apply(html, {})).toBe(html)
    expect(await apply(html, { shown: true })).toBe(html)
  })

  test.each([
    [{}, 'expected a list of rules'],
    [[{ file: '*' }], 'unknown key of rules[0] "file", did you mean "files"?'],
    [[{ files: [] }], 'rules[0].files is'],
    [[{ factor: 1 }], 'rules[0].factor is "1"'],
    [[{ upscale: 2 }], 'rules[0].upscale is'],
    [['photos'], 'rules[0] is "photos"'],
  ])('that is wrong is refused: %j', (rules, message) => {
    expect(() => checkRules(rules)).toThrow(message.replace('"1"', '1 '))
  })

  test('with a selector that is none is refused', async () => {
    await expect(apply('<p>', { within: 'main[' })).rejects.toThrow('"main[" is no selector')
  })
})

test.each([
  '',
  '}',
  '{{{',
  'a{width:',
  '@media{',
  'a{width:1px;;}',
  '@font-face{width:1px}',
  '\0{width:1px}',
])('any text can be read for sizes: %j', css => {
  expect([...findSizes(css)].length).toBeLessThan(2)
})

test('a page nested a thousand times deep, with images at every depth', async () => {
  const depth = 1_000
  const html = `<main>${'<div><img src=a.jpg>'.repeat(depth)}${'</div>'.repeat(depth)}</main><img src=a.jpg>`
  const found = await apply(html, { within: 'main' })
  expect(found.match(/ srcset=/g)).toHaveLength(depth)
})

test('a page of thirty thousand images', async () => {
  const image = '<p><img src="a.jpg"></p>'
  const page = `<main>${image.repeat(30_000)}</main>`
  const tagged = await apply(page, { files: 'other/**' }, { within: 'main p' })
  const srcset = 'srcset="a.jpg 1x, a.jpg?upscale=2 2x"'
  expect(tagged).toBe(page.replaceAll('"a.jpg"', `"a.jpg" ${srcset}`))
})
