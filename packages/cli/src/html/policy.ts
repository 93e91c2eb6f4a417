import { hash } from 'node:crypto'
import { withEdits } from 'upscale-toolkit/references'
import { elementsOf } from 'upscale-toolkit/references/elements'

/*
 * A Content-Security-Policy may list the digests of the styles and handlers that a page has, and a browser then takes no
 * others. So what was given new addresses is listed by its new digest as well.
 */

const ALGORITHMS = ['sha256', 'sha384', 'sha512'] as const

/** A digest that a policy may list, and the one that stands for the same place of the page now. */
export interface ChangedDigest {
  readonly before: string
  readonly after: string
}

/** The digests of what a policy judges by its text and that differs between two versions of a page. */
export function changedDigests(before: string, after: string): ChangedDigest[] {
  const digests: ChangedDigest[] = []
  // A page has the same style in thousands of places.
  const seen = new Set<string>()
  const renewed = judgedTexts(after)
  for (const text of judgedTexts(before)) {
    const { value: changed, done } = renewed.next()
    if (done === true) break
    if (changed === text || seen.has(`${text}\0${changed}`)) continue
    seen.add(`${text}\0${changed}`)
    for (const algorithm of ALGORITHMS)
      digests.push({ before: digestOf(text, algorithm), after: digestOf(changed, algorithm) })
  }
  return digests
}

/** Styles, and the attributes that `'unsafe-hashes'` lets a policy list. */
function* judgedTexts(html: string): Generator<string, undefined> {
  for (const { name, attributes, text } of elementsOf(html)) {
    if (name === 'style') yield text
    for (const attribute of attributes)
      if (attribute.name === 'style' || /^on[a-z]/.test(attribute.name)) yield attribute.value
  }
}

function digestOf(text: string, algorithm: (typeof ALGORITHMS)[number]): string {
  return `${algorithm}-${hash(algorithm, text, 'base64')}`
}

/** The page whose own policy, in `<meta http-equiv>`, lists the new digests beside the old ones. */
export function renewPolicy(html: string, digests: readonly ChangedDigest[]): string {
  const policies = [...elementsOf(html)].flatMap(({ name, attributes }) => {
    const kind = attributes.find(attribute => attribute.name === 'http-equiv')?.value ?? ''
    const content = attributes.find(attribute => attribute.name === 'content')
    const isPolicy = name === 'meta' && /^content-security-policy$/i.test(kind.trim())
    return isPolicy && content !== undefined ? [content] : []
  })
  const edits = policies.map(({ start, end }) => ({
    start,
    end,
    text: withDigests(html.slice(start, end), digests),
  }))
  return withEdits(html, edits)
}

/** A policy with each new digest behind the one it follows: what still has the old text stays allowed. */
function withDigests(policy: string, digests: readonly ChangedDigest[]): string {
  const listed = digestsIn(policy)
  const added = new Set<string>()
  const edits = digests.flatMap(({ before, after }) => {
    const found = listed.get(before)
    if (found === undefined || listed.has(after) || added.has(after)) return []
    const [quote = "'"] = QUOTE_BEFORE.exec(policy.slice(Math.max(0, found.start - 6), found.start)) ?? []
    if (!policy.startsWith(quote, found.end)) return []
    added.add(after)
    const at = found.end + quote.length
    return [{ start: at, end: at, text: ` ${quote}${after}${quote}` }]
  })
  return withEdits(
    policy,
    edits.sort((one, other) => one.start - other.start),
  )
}

const QUOTE_BEFORE = /(?:'|&#39;|&#x27;|&apos;)$/i

/** A digest as it is written in a text, in either alphabet of base64. */
export interface ListedDigest {
  readonly written: string
  readonly start: number
  readonly end: number
}

/** The digests that a text lists, where each stands first. Read once: looking for each of them takes the square of their number. */
export function digestsIn(text: string): ReadonlyMap<string, ListedDigest> {
  const found = new Map<string, ListedDigest>()
  for (const { 0: written, 1: algorithm, 2: base64 = '', index: start } of text.matchAll(DIGEST)) {
    const digest = `${algorithm}-${base64.replaceAll('-', '+').replaceAll('_', '/')}`
    if (!found.has(digest)) found.set(digest, { written, start, end: start + written.length })
  }
  return found
}

const DIGEST = /(sha(?:256|384|512))-([\w+/=-]+)/g
