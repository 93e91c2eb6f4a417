import type { RuledImage } from '../rules/ruled-images.ts'
import { isTaggedPicture, mayHoldTags } from './address.ts'
import { type CssAddress, findCssAddresses, printCssAddress } from './css.ts'
import { escapeAttribute, type HtmlValue, printValue, readHtml } from './html.ts'
import { countLines, type LineOf } from './lines.ts'
import { literalText, tokensOf } from './script.ts'
import { candidateAddress, findCandidates, printSrcset, type SrcsetCandidate } from './srcset.ts'
import { atOnce, inRounds, type Steps } from './steps.ts'
import { type TextEdit, withEdits } from './text-edits.ts'

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

type Answer = (reference: Reference) => string | undefined

/** One value that has references: lists them, and prints the value with answers for them. */
interface Slot {
  readonly references: readonly Reference[]
  edit(answer: Answer): TextEdit | undefined
}

/** How many parts of a value are read between two pauses. */
const AT_A_TIME = 1000

/** Finds the tagged references of a style sheet. */
export function scanCss(text: string): Scan {
  return atOnce(cssSteps(text))
}

/**
 * Finds the tagged references of a page.
 * @param ruled images that rules chose in this very text, whose larger pictures count as references too
 */
export function scanHtml(text: string, ruled: readonly RuledImage[] = []): Scan {
  return atOnce(htmlSteps(text, ruled))
}

/** {@link scanCss}, while the event loop goes round. */
export function scanCssInRounds(text: string): Promise<Scan> {
  return inRounds(cssSteps(text))
}

/** {@link scanHtml}, while the event loop goes round. */
export function scanHtmlInRounds(text: string, ruled: readonly RuledImage[] = []): Promise<Scan> {
  return inRounds(htmlSteps(text, ruled))
}

function* cssSteps(text: string): Steps<Scan> {
  if (!mayHoldTags(text)) return scanOf(text, undefined, [])
  const whole: HtmlValue = { kind: 'css', value: text, start: 0, end: text.length, isAttribute: false }
  return scanOf(text, undefined, [yield* cssSlot(whole, text, countLines(text))])
}

function* htmlSteps(text: string, ruled: readonly RuledImage[]): Steps<Scan> {
  if (!mayHoldTags(text) && ruled.length === 0) return scanOf(text, undefined, [])
  const { base, values } = yield* readHtml(text)
  const lineOf = countLines(text)
  const slots: Slot[] = []
  for (const value of values) {
    slots.push(yield* slotOf(value, text, lineOf))
    yield undefined
  }
  for (const image of ruled) slots.push(ruledSlot(image, lineOf))
  return scanOf(text, base, slots)
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
      withEdits(
        text,
        slots.flatMap(slot => slot.edit(answer) ?? []).sort((a, b) => a.start - b.start),
      ),
  }
}

function* slotOf(value: HtmlValue, text: string, lineOf: LineOf): Steps<Slot> {
  if (value.kind === 'css') return yield* cssSlot(value, text, lineOf)
  if (value.kind === 'data' || isCode(value.value)) return yield* codeSlot(value, text, lineOf)
  return value.kind === 'srcset' ? yield* srcsetSlot(value, text, lineOf) : addressSlot(value, text, lineOf)
}

function addressSlot(value: HtmlValue, text: string, lineOf: LineOf): Slot {
  const address = value.value.trim()
  if (!isTaggedPicture(address)) return { references: [], edit: () => undefined }
  const reference: Reference = { address, line: lineOf(value.start), place: 'address' }
  return {
    references: [reference],
    edit(answer) {
      const changed = answer(reference)
      return changed === undefined ? undefined : editOf(value, text, changed)
    },
  }
}

/** True for a value that holds JSON or code, as sliders, islands and Alpine have it: no address has quotes and brackets. */
function isCode(value: string): boolean {
  return /["'`]/.test(value) && /[[\]{}()=;]|^\s*["'`]/.test(value)
}

/** In JSON and in code a string that is an address as a whole is one. */
function* codeSlot(value: HtmlValue, text: string, lineOf: LineOf): Steps<Slot> {
  const isRaw = text.slice(value.start, value.end) === value.value
  const parts: { start: number; end: number; reference: Reference }[] = []
  let count = 0
  for (const token of tokensOf(value.value)) {
    if (++count % AT_A_TIME === 0) yield undefined
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
        text,
        parts.flatMap(({ start, end, reference }) => {
          const changed = answer(reference)
          return changed === undefined || /["'`\\]/.test(changed) ? [] : [{ start, end, text: changed }]
        }),
      ),
  }
}

function* srcsetSlot(value: HtmlValue, text: string, lineOf: LineOf): Steps<Slot> {
  const line = lineOf(value.start)
  const parts: { start: number; end: number; close: number; reference: Reference }[] = []
  let count = 0
  for (const { address, start, end, close } of findCandidates(value.value)) {
    if (++count % AT_A_TIME === 0) yield undefined
    if (!isTaggedPicture(address)) continue
    parts.push({ start, end, close, reference: { address, line, place: 'candidate' } })
  }
  return {
    references: parts.map(({ reference }) => reference),
    edit: answer =>
      editWithin(
        value,
        text,
        parts.flatMap(({ start, end, close, reference }) => {
          const changed = answer(reference)
          if (changed === undefined) return []
          // A text with descriptors of its own takes the place of the whole candidate.
          const whole = /\s/.test(changed)
          return [{ start, end: whole ? close : end, text: whole ? changed : candidateAddress(changed) }]
        }),
      ),
  }
}

function* cssSlot(value: HtmlValue, text: string, lineOf: LineOf): Steps<Slot> {
  // In a style attribute the place within the value says nothing about the place in the file.
  const isRaw = text.slice(value.start, value.end) === value.value
  const parts: { start: number; end: number; form: CssAddress['form']; reference: Reference }[] = []
  for (const found of findCssAddresses(value.value)) {
    if (found === undefined) {
      yield undefined
      continue
    }
    const { start, end, form } = found
    const address = found.value.trim()
    if (!isTaggedPicture(address)) continue
    const line = lineOf(value.start + (isRaw ? start : 0))
    parts.push({ start, end, form, reference: { address, line, place: 'address' } })
  }
  return {
    references: parts.map(({ reference }) => reference),
    edit: answer =>
      editWithin(
        value,
        text,
        parts.flatMap(({ start, end, form, reference }) => {
          const changed = answer(reference)
          return changed === undefined ? [] : [{ start, end, text: printCssAddress(form, changed) }]
        }),
      ),
  }
}

function editWithin(value: HtmlValue, text: string, edits: readonly TextEdit[]): TextEdit | undefined {
  return edits.length === 0 ? undefined : editOf(value, text, withEdits(value.value, edits))
}

function editOf(value: HtmlValue, text: string, changed: string): TextEdit {
  return { start: value.start, end: value.end, text: printValue(value, text, changed) }
}
