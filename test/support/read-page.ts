import { readFile } from 'node:fs/promises'
import type { Browser } from 'playwright-core'
import type { Colour } from './pictures.ts'

/** A picture as the browser decoded it. */
export interface Seen {
  readonly url: string
  readonly width: number
  readonly height: number
  /** Colour in the middle of the left half. */
  readonly left: Colour
  readonly right: Colour
}

/** A plain script, since it runs in the page: the types and modules of the tests don't exist there. */
const collect = readFile(new URL('./collect-images.js', import.meta.url), 'utf8')

/** What a page shows, by the `data-form` of its elements: one picture per address that the element names. */
export type SeenPage = Readonly<Record<string, readonly Seen[]>>

/**
 * Opens a built page and decodes every image that an element with `data-form` refers to, whether or not the browser
 * would have chosen it: `src`, each candidate of `srcset`, `poster`, `href`, `content` and the background.
 */
export async function readPage(browser: Browser, url: string): Promise<SeenPage> {
  const page = await browser.newPage()
  const failures: string[] = []
  page.on('pageerror', error => failures.push(error.message))
  try {
    await page.goto(url)
    await page.waitForSelector('html[data-ready]', { timeout: 20_000 })
    return await page.evaluate(await collect)
  } catch (error) {
    throw failures.length === 0
      ? error
      : new Error(`the page failed: ${failures.join('; ')}`, { cause: error })
  } finally {
    await page.close()
  }
}
