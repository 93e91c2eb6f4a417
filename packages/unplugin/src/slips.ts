import { misspelledKeys, TAGGED } from 'upscale-core/internal'
import { countLines, isPicturePath, sourceTexts } from 'upscale-toolkit/references'
import { readText } from './place.ts'

/**
 * A text that may have a picture whose tag is misspelled; nobody is shown it, since it is not ours: `hero.png?upscal=2`,
 * `hero.png?Upscale=2`, `hero.png?upscale:2`, `hero.png#upscale=2`.
 */
export const SLIP_IN_TEXT: RegExp =
  /[?&;](?!upscale\b)[uU]\w{3,9}\b|[?&;]upscale[-:%*+~]|(?:[&;#]|%3[fF])[uU](?:pscale|PSCALE)\b/

const SLIPS = new RegExp(SLIP_IN_TEXT, 'g')
/** What ends an address in code, markup and style sheets. */
const END = /[\s"'`()<>]/
/** What ends the path of an address, in one whose tag is in no query too. */
const PATH_END = /[?#]|(?:&|%3f)upscale\b/i
/** Where `&amp;` is no ampersand. */
const STYLE_SHEET = /\.(?:css|scss|sass|less|styl|stylus|pcss|postcss|sss)$/i
/** How far an address is followed to either side. */
const LONGEST = 512

export type MisspelledKey = ReturnType<typeof misspelledKeys>[number]

/** A reference whose tag is misspelled. */
export interface Slip {
  readonly reference: string
  readonly keys: readonly MisspelledKey[]
  /** From 1; undefined where the file on the disk doesn't have it. */
  readonly line: number | undefined
}

/**
 * The references of a source whose tag is misspelled, each once, those of comments left out. The source is taken apart once
 * for all of them.
 *
 * @param text what is read of the file, which another plugin may have changed
 */
export function slipsIn(file: string, text: string): Slip[] {
  const slips = new Map<string, readonly MisspelledKey[]>()
  for (const { address } of addressesIn(file, text)) {
    if (slips.has(address)) continue
    const keys = slipKeysOf(address)
    if (keys.length > 0) slips.set(address, keys)
  }
  if (slips.size === 0) return []
  const written = readText(file) ?? ''
  const inText = startsIn(file, text)
  const inFile = written === text ? inText : startsIn(file, written)
  const lineOf = countLines(written)
  return [...slips]
    .filter(([reference]) => inText.has(reference))
    .map(([reference, keys]) => {
      const start = inFile.get(reference)
      return { reference, keys, line: start === undefined ? undefined : lineOf(start) }
    })
}

/** The keys of an address that are wrong; none where its tag is none of a picture, or right. */
function slipKeysOf(address: string): readonly MisspelledKey[] {
  const [path = ''] = address.split(PATH_END, 1)
  const isTagged = address.includes('?') && TAGGED.test(address)
  if (!isPicturePath(path) || isTagged) return []
  const keys = misspelledKeys(address)
  return keys.some(({ meant }) => meant === 'upscale') ? keys : []
}

/** Where each address stands first in what is no comment. */
function startsIn(file: string, text: string): ReadonlyMap<string, number> {
  const starts = new Map<string, number>()
  for (const { value, start } of sourceTexts(file, text)) {
    for (const { address, at } of addressesIn(file, value)) {
      if (!starts.has(address)) starts.set(address, start + at)
    }
  }
  return starts
}

/** The addresses of a text that may have a slip, entities decoded where a language has them. */
function* addressesIn(
  file: string,
  text: string,
): Generator<{ readonly address: string; readonly at: number }> {
  const hasEntities = !STYLE_SHEET.test(file)
  let end = 0
  for (const { index } of text.matchAll(SLIPS)) {
    // Another key of an address that was told of.
    if (index < end) continue
    let at = index
    while (at > end && index - at < LONGEST && !END.test(text.charAt(at - 1))) at--
    end = index
    while (end < text.length && end - index < LONGEST && !END.test(text.charAt(end))) end++
    const address = text.slice(at, end)
    yield { address: hasEntities ? address.replaceAll('&amp;', '&') : address, at }
  }
}
