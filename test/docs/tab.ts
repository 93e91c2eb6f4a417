import type { Browser, Page } from 'playwright-core'

/** What a browser with a dense screen saw of a page. */
export interface SeenTab {
  /** Errors of its scripts, and what it could not load. */
  readonly errors: readonly string[]
  /** Widths of all its pictures, backgrounds too, in pixels of the file; 0 for one that can't be loaded. */
  readonly widths: readonly number[]
}

/** @param screenshot where a picture of the page goes */
export async function openTab(browser: Browser, url: string, screenshot?: string): Promise<SeenTab> {
  const tab = await browser.newPage({ deviceScaleFactor: 2 })
  const errors: string[] = []
  tab.on('pageerror', error => errors.push(error.message))
  tab.on('console', message => {
    const { url: from } = message.location()
    if (message.type() === 'error' && !from.endsWith('favicon.ico')) errors.push(`${message.text()} ${from}`)
  })
  try {
    await tab.goto(url, { waitUntil: 'load' })
    const widths = await picturesIn(tab)
    if (screenshot !== undefined) await tab.screenshot({ path: screenshot })
    return { errors, widths }
  } finally {
    await tab.close()
  }
}

/** A script of the page. */
async function picturesIn(tab: Page): Promise<number[]> {
  return tab.evaluate(`(async () => {
    const addresses = [...document.images].flatMap(image => [image.currentSrc, image.src])
    for (const element of document.querySelectorAll('*')) {
      for (const [, url] of getComputedStyle(element).backgroundImage.matchAll(/url\\("([^"]+)"\\)/g)) addresses.push(url)
    }
    const widthOf = url => new Promise(resolve => {
      const image = new Image()
      image.onload = () => resolve(image.naturalWidth)
      image.onerror = () => resolve(0)
      image.src = url
    })
    return Promise.all([...new Set(addresses)].filter(url => url !== '').map(widthOf))
  })()`)
}
