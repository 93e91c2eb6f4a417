import { hash } from 'node:crypto'
import { withEdits } from 'upscale-toolkit/references'
import { elementsOf } from 'upscale-toolkit/references/elements'

// A page may name the digest of a style sheet (`<link integrity="sha256-…">`, as Hugo's `fingerprint` writes it), and a
// browser then refuses any other content. So when a style sheet was given new addresses, the pages get its new digest.

/**
 * A page whose links to changed style sheets name the digests these have now.
 *
 * @param contentOf the new content of the file an address leads to; undefined for one that was not changed
 */
export function renewIntegrity(html: string, contentOf: (address: string) => Uint8Array | undefined): string {
  if (!/\bintegrity\b/i.test(html)) return html
  const edits = [...linksOf(html)].flatMap(({ href, integrity, start, end }) => {
    const content = contentOf(href)
    const renewed = content === undefined ? integrity : renew(integrity, content)
    const written = html.slice(start, end)
    return renewed === integrity ? [] : [{ start, end, text: written.replace(integrity, () => renewed) }]
  })
  return withEdits(html, edits)
}

interface Link {
  readonly href: string
  readonly integrity: string
  /** Where the attribute `integrity` stands. */
  readonly start: number
  readonly end: number
}

/** In the order in which they stand. */
function* linksOf(html: string): Generator<Link> {
  for (const { name, attributes } of elementsOf(html)) {
    if (name !== 'link') continue
    const href = attributes.find(attribute => attribute.name === 'href')
    const integrity = attributes.find(attribute => attribute.name === 'integrity')
    if (href === undefined || integrity === undefined) continue
    yield { href: href.value, integrity: integrity.value, start: integrity.start, end: integrity.end }
  }
}

function renew(integrity: string, content: Uint8Array): string {
  return integrity.replace(/\b(sha(?:256|384|512))-[\w+/=-]+/gi, (_, algorithm: string) => {
    return `${algorithm}-${hash(algorithm.toLowerCase(), content, 'base64')}`
  })
}
