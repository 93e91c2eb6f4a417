import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Form } from './expectations.ts'
import { type Colour, SIZE, type Swatch, swatchOf } from './pictures.ts'
import type { Seen, SeenPage } from './read-page.ts'

const collect = readFile(new URL('./collect-images.js', import.meta.url), 'utf8')

/** The forms whose swap of a placeholder for the picture is looked at; `inline` is a file that Vite reads. */
export const FIVE_FORMS: readonly Form[] = [
  ['html', 'html.png', 2],
  ['js', 'js.png', 2],
  ['css', 'css.png', 2],
  ['new-url', 'new-url.png', 2],
  ['srcset', 'srcset.png', 1, 2],
  ['html-srcset', 'html-srcset.png', 1, 2],
  ['inline', 'inline.png', 2],
]

/** The same for webpack and its family, whose pages are read by html-loader. */
export const FAMILY_FORMS: readonly Form[] = FIVE_FORMS.filter(([form]) => form !== 'html-srcset')

export const FIVE_FORMS_SITE = {
  'index.html': `<!doctype html>
<html><head><link rel="stylesheet" href="./style.css"></head><body>
<img data-form="html" src="./html.png?upscale=2">
<img data-form="html-srcset" srcset="./html-srcset.png?upscale=2&amp;as=srcset">
<div data-form="css"></div>
<img data-form="js"><img data-form="new-url"><img data-form="srcset"><img data-form="inline">
<script type="module" src="./main.js"></script></body></html>`,
  'style.css': 'div { background-image: url(./css.png?upscale=2) }',
  'main.js': `import js from './js.png?upscale=2'
import srcset from './srcset.png?upscale=2&as=srcset'
import inline from './inline.png?upscale=2&inline'
const form = name => document.querySelector('[data-form=' + name + ']')
form('js').src = js
form('new-url').src = new URL('./new-url.png?upscale=2', import.meta.url).href
form('srcset').srcset = srcset
form('inline').src = inline
document.documentElement.dataset.ready = 'true'`,
}

/** {@link FAMILY_FORMS}, in the folder where projects of webpack have their sources. */
export const FAMILY_SITE = {
  'src/index.html': `<!doctype html>
<html><head></head><body>
<img data-form="html" src="./html.png?upscale=2">
<div data-form="css"></div>
<img data-form="js"><img data-form="new-url"><img data-form="srcset"><img data-form="inline"></body></html>`,
  'src/style.css': FIVE_FORMS_SITE['style.css'],
  'src/main.js': `import './style.css'\n${FIVE_FORMS_SITE['main.js']}`,
}

/** Waits until every form shows its picture in the size and the colours expected; the page may load again meanwhile. */
export async function expectSoon(
  page: Page,
  colours: (file: string) => Swatch,
  forms: readonly Form[] = FIVE_FORMS,
): Promise<void> {
  const script = await collect
  const look = async (): Promise<string[]> => {
    try {
      await page.waitForSelector('html[data-ready]')
      const seen = await page.evaluate<SeenPage>(script)
      return forms.flatMap(([form, file]) => problemsOf(form, seen[form]?.at(-1), colours(file)))
    } catch (error) {
      // The page was leaving for its next load.
      return [String(error)]
    }
  }
  await expect.poll(look, { timeout: 30_000, interval: 200 }).toEqual([])
}

function problemsOf(form: string, seen: Seen | undefined, { left, right }: Swatch): string[] {
  const isNear = (one: Colour = [0, 0, 0], other: Colour): boolean =>
    one.every((value, at) => Math.abs(value - (other[at] ?? 0)) <= TOLERANCE)
  const isRight =
    seen?.width === SIZE.width * 2 &&
    seen.height === SIZE.height * 2 &&
    isNear(seen.left, left) &&
    isNear(seen.right, right)
  return isRight ? [] : [`${form}: ${JSON.stringify(seen)}`]
}

/** What a placeholder, which is encoded for speed, may be off; far less than the opposite colour is. */
const TOLERANCE = 10

export const oppositeOf = (file: string): Swatch => {
  const turn = ([red, green, blue]: Colour): Colour => [255 - red, 255 - green, 255 - blue]
  const { left, right } = swatchOf(file)
  return { left: turn(left), right: turn(right) }
}
