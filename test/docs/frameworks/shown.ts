import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { createUpscaler, type Upscaler } from 'upscale-core'
import { local } from 'upscale-local'

/** A tagged picture of an example's page. */
export interface Tagged {
  /** CSS selector of the element that shows it. */
  readonly element: string
  /** Path of the picture it was made of, in the example. */
  readonly source: string
  /**
   * How its bytes get to the page: as the upscaler wrote them, or encoded once more by an image component of the
   * framework.
   */
  readonly bytes: 'same' | 'encoded again'
}

/** What the browser got for a tagged picture. */
interface Shown {
  readonly url: string
  readonly width: number
  readonly height: number
}

/**
 * Looks at tagged pictures in an open page: each must be twice as large as its source, and be the engine's picture.
 * @returns what is wrong, one line a picture, and the addresses
 */
export async function look(
  page: Page,
  root: string,
  pictures: readonly Tagged[],
): Promise<{ problems: string[]; urls: string[] }> {
  const upscaler = createUpscaler({ root }, { engines: { local: local() } })
  try {
    const shown = await Promise.all(pictures.map(({ element }) => read(page, element)))
    const problems = await Promise.all(
      pictures.map((picture, index) =>
        problemsOf(picture, shown[index], join(root, picture.source), upscaler),
      ),
    )
    return { problems: problems.flat(), urls: shown.map(({ url }) => url) }
  } finally {
    await upscaler.close()
  }
}

/** The address that the browser chose for an element, and the natural size of what is behind it. */
async function read(page: Page, selector: string): Promise<Shown> {
  return page.evaluate<Shown>(`(async () => {
    const element = document.querySelector(${JSON.stringify(selector)})
    element.scrollIntoView()
    if (element.localName === 'img') await element.decode()
    const background = /url\\("(.*?)"\\)/.exec(getComputedStyle(element).backgroundImage)?.[1]
    const url = new URL(element.currentSrc || background, document.baseURI).href
    const image = Object.assign(new Image(), { src: url })
    await image.decode()
    return { url, width: image.naturalWidth, height: image.naturalHeight }
  })()`)
}

async function problemsOf(
  { element, bytes }: Tagged,
  shown: Shown | undefined,
  source: string,
  upscaler: Upscaler,
): Promise<string[]> {
  if (shown === undefined) return [`${element}: not there`]
  const { width, height } = await sharp(source).metadata()
  const size = `${shown.width}x${shown.height}`
  if (size !== `${width * 2}x${height * 2}`)
    return [`${element}: ${size}, made of ${width}x${height} (${shown.url})`]
  // Asked for nothing new: a second engine would take the processor from the one that is waited for.
  if ((await upscaler.plan(source, { factor: 2 })).state !== 'finished') return [`${element}: not made yet`]
  const wanted = await upscaler.upscale(source, { factor: 2 })
  const got = Buffer.from(await (await fetch(shown.url)).arrayBuffer())
  if (bytes === 'same') {
    const digest = createHash('sha256').update(got).digest('hex')
    return digest === wanted.digest ? [] : [`${element}: other bytes than the engine's (${shown.url})`]
  }
  const engine = await pixels(await readFile(wanted.file), shown)
  const plain = await pixels(await readFile(source), shown)
  const seen = await pixels(got, shown)
  const [far, near] = [difference(seen, plain), difference(seen, engine)]
  return near < far / 2
    ? []
    : [`${element}: ${near} from the engine's picture, ${far} from a plain enlargement`]
}

/** Opaque pixels of a picture, enlarged plainly where it is smaller. */
function pixels(picture: Buffer, { width, height }: Shown): Promise<Buffer> {
  return sharp(picture)
    .resize(width, height)
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw()
    .toBuffer()
}

/** Mean square difference of two pictures, in steps of 8 bits. */
function difference(one: Buffer, other: Buffer): number {
  return one.reduce((sum, value, at) => sum + (value - (other[at] ?? 0)) ** 2, 0) / one.length
}
