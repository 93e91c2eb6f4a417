import type { RuledImage } from '../rules/ruled-images.ts'
import { isTaggedPicture, mayHoldTags } from './address.ts'
import { findCssAddresses } from './css.ts'
import { escapeAttribute, type HtmlValue, readHtml } from './html.ts'
import { countLines, type LineOf } from './lines.ts'
import { literalText, tokensOf } from './script.ts'
import { candidateAddress, findCandidates, printSrcset, type SrcsetCandidate } from './srcset.ts'

/** A tagged reference in a file, before anything is made of it. */
export interface Reference {
  /** As written, entities and escapes decoded: `img/hero.png?upscale=2`. */
  readonly address: string
  readonly line: number
  /**
   * Where it stands: a place for one address, a candidate of a `srcset`, JSON or code, whose strings may be something else,
   * or a candidate of a `srcset` that a rule wants.
   */
  readonly place: 'address' | 'candidate' | 'data' | 'rule'
}

/** A file taken apart. */
export interface Scan {
  /** The address that relative ones start from, as written in `<base href>`. */
  readonly base: string | undefined
  readonly references: readonly Reference[]
  /**
   * The text with other addresses. Nothing but the values concerned is touched.
   *
   * @param answer what stands for a reference: for `address` and `data` one address, else the text of the whole `srcset` or
   *   candidate; undefined leaves it as it is
   */
  rewrite(answer: (reference: Reference) => string | undefined): string
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

type Answer = (reference: Reference) => string | undefined

/** One value that has references: lists them, and prints the value with answers for them. */
interface Slot {
  readonly references: readonly Reference[]
  edit(answer: Answer): Edit | undefined
}

/** Finds the tagged references of a style sheet. */
export function scanCss(text: string): Scan {
  if (!mayHoldTags(text)) return scanOf(text, undefined, [])
  const whole: HtmlValue = { kind: 'css', value: text, start: 0, end: text.length, print: value => value }
  return scanOf(text, undefined, [cssSlot(whole, text, countLines(text))])
}

/**
 * Finds the tagged references of a page.
 * @param ruled images that rules chose in this very text, whose larger pictures count as references too
 */
export function scanHtml(text: string, ruled: readonly RuledImage[] = []): Scan {
  if (!mayHoldTags(text) && ruled.length === 0) return scanOf(text, undefined, [])
  const page = readHtml(text)
  const lineOf = countLines(text)
  const tagged = page.values
    .filter(({ value }) => mayHoldTags(value))
    .map(value => slotOf(value, text, lineOf))
  return scanOf(text, page.base, [...tagged, ...ruled.map(image => ruledSlot(image, lineOf))])
}

/** A `srcset` is put in whole; with an answer missing there is none. */
function ruledSlot({ candidates, start, end }: RuledImage, lineOf: LineOf): Slot {
  const parts = candidates.map(candidate => ({
    candidate,
    reference: isTaggedPicture(candidate.address)
      ? { address: candidate.address, line: lineOf(start), place: 'rule' as const }
      : undefined,
  }))
  return {
    references: parts.flatMap(({ reference }) => reference ?? []),
    edit(answer) {
      const answered: SrcsetCandidate[] = []
      for (const { candidate, reference } of parts) {
        const address = reference === undefined ? candidate.address : answer(reference)
        if (address === undefined) return undefined
        answered.push({ ...candidate, address: candidateAddress(address) })
      }
      return { start: end, end, text: ` srcset="${escapeAttribute(printSrcset(answered))}"` }
    },
  }
}

function scanOf(text: string, base: string | undefined, slots: readonly Slot[]): Scan {
  return {
    base,
    references: slots.flatMap(({ references }) => references),
    rewrite: answer =>
      apply(
        text,
        slots.flatMap(slot => slot.edit(answer) ?? []),
      ),
  }
}

function slotOf(value: HtmlValue, text: string, lineOf: LineOf): Slot {
  if (value.kind === 'css') return cssSlot(value, text, lineOf)
  if (value.kind === 'data' || isCode(value.value)) return codeSlot(value, text, lineOf)
  return value.kind === 'srcset' ? srcsetSlot(value, lineOf) : addressSlot(value, lineOf)
}

function addressSlot(value: HtmlValue, lineOf: LineOf): Slot {
  const address = value.value.trim()
  if (!isTaggedPicture(address)) return { references: [], edit: () => undefined }
  const reference: Reference = { address, line: lineOf(value.start), place: 'address' }
  return {
    references: [reference],
    edit(answer) {
      const changed = answer(reference)
      return changed === undefined ? undefined : { ...rangeOf(value), text: value.print(changed) }
    },
  }
}

/** True for a value that holds JSON or code, as sliders, islands and Alpine have it: no address has quotes and brackets. */
function isCode(value: string): boolean {
  return /["'`]/.test(value) && /[[\]{}()=;]|^\s*["'`]/.test(value)
}

/** In JSON and in code a string that is an address as a whole is one. */
function codeSlot(value: HtmlValue, text: string, lineOf: LineOf): Slot {
  const isRaw = text.slice(value.start, value.end) === value.value
  const parts: { start: number; end: number; reference: Reference }[] = []
  for (const token of tokensOf(value.value)) {
    const address = literalText(token)
    // Escapes would have to be written again in the way of that language; a query with spaces is prose.
    if (address === undefined || /\\|\?.*\s/s.test(address) || !isTaggedPicture(address)) continue
    const start = token.start + 1
    const line = lineOf(value.start + (isRaw ? start : 0))
    parts.push({ start, end: start + address.length, reference: { address, line, place: 'data' } })
  }
  return {
    references: parts.map(({ reference }) => reference),
    edit: answer =>
      editWithin(
        value,
        parts.flatMap(({ start, end, reference }) => {
          const changed = answer(reference)
          return changed === undefined || /["'`\\]/.test(changed) ? [] : [{ start, end, text: changed }]
        }),
      ),
  }
}

function srcsetSlot(value: HtmlValue, lineOf: LineOf): Slot {
  const line = lineOf(value.start)
  const parts = findCandidates(value.value)
    .filter(({ address }) => isTaggedPicture(address))
    .map(candidate => ({
      candidate,
      reference: { address: candidate.address, line, place: 'candidate' as const },
    }))
  return {
    references: parts.map(({ reference }) => reference),
    edit: answer =>
      editWithin(
        value,
        parts.flatMap(({ candidate, reference }) => {
          const changed = answer(reference)
          if (changed === undefined) return []
          // A text with descriptors of its own takes the place of the whole candidate.
          const whole = /\s/.test(changed)
          const end = whole ? candidate.close : candidate.end
          return [{ start: candidate.start, end, text: whole ? changed : candidateAddress(changed) }]
        }),
      ),
  }
}

function cssSlot(value: HtmlValue, text: string, lineOf: LineOf): Slot {
  // In a style attribute the place within the value says nothing about the place in the file.
  const isRaw = text.slice(value.start, value.end) === value.value
  const parts = findCssAddresses(value.value)
    .filter(({ value: address }) => isTaggedPicture(address.trim()))
    .map(found => {
      const line = lineOf(value.start + (isRaw ? found.start : 0))
      return { found, reference: { address: found.value.trim(), line, place: 'address' as const } }
    })
  return {
    references: parts.map(({ reference }) => reference),
    edit: answer =>
      editWithin(
        value,
        parts.flatMap(({ found, reference }) => {
          const changed = answer(reference)
          return changed === undefined
            ? []
            : [{ start: found.start, end: found.end, text: found.print(changed) }]
        }),
      ),
  }
}

function editWithin(value: HtmlValue, edits: readonly Edit[]): Edit | undefined {
  return edits.length === 0 ? undefined : { ...rangeOf(value), text: value.print(apply(value.value, edits)) }
}

function rangeOf({ start, end }: HtmlValue): Pick<Edit, 'start' | 'end'> {
  return { start, end }
}

function apply(text: string, edits: readonly Edit[]): string {
  let result = ''
  let at = 0
  for (const { start, end, text: changed } of [...edits].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, start) + changed
    at = end
  }
  return result + text.slice(at)
}
