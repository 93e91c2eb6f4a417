import {
  findCandidates,
  mayHoldTags,
  printSrcset,
  type SrcsetCandidate,
  type TextEdit,
  withEdits,
} from 'upscale-toolkit/references'
import type { ProjectUpscaler } from '../../project-upscaler.ts'
import { isTaggedImage, pathOf, queryOf, withRest } from '../../reference.ts'

/**
 * Spells `as=srcset` out in the `srcset` attributes of a page, or of a Vue component, as a build does. Everything else in a page needs no
 * rewriting in dev: the addresses that Vite makes of it are served as they are.
 */
export async function expandSrcsets(
  html: string,
  filename: string,
  projectUpscaler: ProjectUpscaler,
): Promise<string> {
  const decoded = html.replaceAll('&amp;', '&')
  if (!mayHoldTags(decoded) || !decoded.includes('as=srcset')) return html
  const { elementsOf } = await import('upscale-toolkit/references/elements')
  const edits: TextEdit[] = []
  for (const { attributes } of elementsOf(html)) {
    for (const { name, value, start, end } of attributes) {
      if (name !== 'srcset' && name !== 'imagesrcset') continue
      const candidates = [...findCandidates(value)]
      const expanded = candidates.flatMap(candidate => expand(candidate, filename, projectUpscaler))
      if (expanded.length === candidates.length) continue
      const text = printSrcset(expanded).replaceAll('&', '&amp;').replaceAll('"', '&quot;')
      edits.push({ start, end, text: `${name}="${text}"` })
    }
  }
  return withEdits(html, edits)
}

function expand(
  candidate: SrcsetCandidate,
  importer: string,
  projectUpscaler: ProjectUpscaler,
): SrcsetCandidate[] {
  const { address } = candidate
  if (!isTaggedImage(address)) return [candidate]
  const { as, requests, rest } = projectUpscaler.parse({ reference: address, importer })
  if (as !== 'srcset') return [candidate]
  const pictures = requests.map(request => ({
    address: pathOf(address) + withRest(queryOf(request, projectUpscaler.options), rest),
    descriptor: `${request.factor}x`,
  }))
  return [{ address: pathOf(address) + rest, descriptor: '1x' }, ...pictures]
}
