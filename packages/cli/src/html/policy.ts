import { createHash } from 'node:crypto'
import { elementsOf, type HtmlElement } from 'upscale-toolkit/references/elements'

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
  const [old, renewed] = [before, after].map(html => [...elementsOf(html)].flatMap(judgedTexts))
  return (old ?? []).flatMap((text, index) => {
    const changed = renewed?.[index]
    if (changed === undefined || changed === text) return []
    return ALGORITHMS.map(algorithm => ({
      before: digestOf(text, algorithm),
      after: digestOf(changed, algorithm),
    }))
  })
}

/** Styles, and the attributes that `'unsafe-hashes'` lets a policy list. */
function judgedTexts({ name, attributes, text }: HtmlElement): string[] {
  const inline = attributes.filter(attribute => attribute.name === 'style' || /^on[a-z]/.test(attribute.name))
  return [...(name === 'style' ? [text] : []), ...inline.map(({ value }) => value)]
}

function digestOf(text: string, algorithm: (typeof ALGORITHMS)[number]): string {
  return `${algorithm}-${createHash(algorithm).update(text).digest('base64')}`
}

/** The page whose own policy, in `<meta http-equiv>`, lists the new digests beside the old ones. */
export function renewPolicy(html: string, digests: readonly ChangedDigest[]): string {
  const policies = [...elementsOf(html)].flatMap(({ name, attributes }) => {
    const kind = attributes.find(attribute => attribute.name === 'http-equiv')?.value ?? ''
    const content = attributes.find(attribute => attribute.name === 'content')
    const isPolicy = name === 'meta' && /^content-security-policy$/i.test(kind.trim())
    return isPolicy && content !== undefined ? [content] : []
  })
  return policies.reduceRight((text, { start, end }) => {
    return text.slice(0, start) + withDigests(text.slice(start, end), digests) + text.slice(end)
  }, html)
}

/** A policy with each new digest behind the one it follows: what still has the old text stays allowed. */
function withDigests(policy: string, digests: readonly ChangedDigest[]): string {
  return digests.reduce((text, { before, after }) => {
    const listed = findDigest(text, before)
    if (listed === undefined || findDigest(text, after) !== undefined) return text
    const [quote = "'"] = /(?:'|&#39;|&#x27;|&apos;)$/i.exec(text.slice(0, text.indexOf(listed))) ?? []
    return text.replace(`${listed}${quote}`, () => `${listed}${quote} ${quote}${after}${quote}`)
  }, policy)
}

/** A digest as it is written in a text, in either alphabet of base64; undefined where it isn't. */
export function findDigest(text: string, digest: string): string | undefined {
  return [digest, digest.replaceAll('+', '-').replaceAll('/', '_')].find(written => text.includes(written))
}
