import { misspelledKeys, TAGGED } from 'upscale-core/internal'
import { findSourcePlace, isPicturePath } from 'upscale-toolkit/references'
import { pathOf, type ReferenceSite } from './reference.ts'

/** A text that may have a picture whose tag is misspelled; nobody is shown it, since it is not ours: `hero.png?upscal=2`. */
export const SLIP_IN_TEXT: RegExp = /[?&;]u(?!pscale\b)\w{3,9}\b/i

const SLIPS = new RegExp(SLIP_IN_TEXT, 'gi')
/** What ends an address in code, markup and style sheets. */
const ENDS = /[\s"'`()<>]/
/** How far an address is followed to either side. */
const LONGEST = 512

/** The references of a source whose tag is misspelled, those of comments left out. */
export function* slipsIn(file: string, text: string): Generator<ReferenceSite> {
  for (const { index } of text.matchAll(SLIPS)) {
    const before = text.slice(Math.max(0, index - LONGEST), index)
    const behind = text.slice(index, index + LONGEST)
    const start = [...before].findLastIndex(character => ENDS.test(character)) + 1
    const end = behind.search(ENDS)
    const written = [...before].slice(start).join('') + (end === -1 ? behind : behind.slice(0, end))
    const reference = written.replaceAll('&amp;', '&')
    if (!isPicturePath(pathOf(reference)) || TAGGED.test(reference)) continue
    const isSlip = misspelledKeys(reference).some(({ meant }) => meant === 'upscale')
    if (isSlip && findSourcePlace(file, text, reference) !== undefined) yield { reference, importer: file }
  }
}
