import { isRasterName } from 'upscale-core/internal'
import { isTaggedPicture, pathOf } from 'upscale-toolkit/references'
import { type Finding, factorFor, type Project, type SourceText } from './finding.ts'

/** Where components come from that show an imported picture in a size that is given beside it. */
const COMPONENT =
  /\bimport\s+(?:(\w+)|\{[^}]*\b(Image)\b[^}]*\})\s+from\s+["'](next\/image|astro:assets)["']/g
const DEFAULT_IMPORT = /\bimport\s+(\w+)\s+from\s+(["'])([^"'\n]+)\2/g

/** `<Image>` of Next.js and Astro that shows an imported picture larger than it is. */
export async function* imageComponents(source: SourceText, project: Project): AsyncGenerator<Finding> {
  const { text } = source
  const components = [...text.matchAll(COMPONENT)].map(([, whole, part, origin]) => ({
    name: whole ?? part ?? '',
    isNext: origin === 'next/image',
  }))
  if (components.length === 0) return
  for (const { 0: statement, 1: name = '', 3: address = '', index } of text.matchAll(DEFAULT_IMPORT)) {
    const start = index + statement.lastIndexOf(address)
    const end = start + address.length
    if (!isRasterName(pathOf(address)) || isTaggedPicture(address)) continue
    const uses = components.flatMap(({ name: component, isNext }) =>
      usesOf(text, component, name).map(attributes => ({ attributes, isNext })),
    )
    const file = project.find(address, source)
    const size = file === undefined ? undefined : await project.sizeOf(file)
    if (size === undefined) continue
    const widths = uses.map(({ attributes }) => Number(attributes.get('width') ?? Number.NaN))
    const wanted = Math.max(0, ...widths.filter(width => width > size.width))
    if (wanted === 0) continue
    const loose = uses.some(
      ({ attributes, isNext }) => !attributes.has('width') || (isNext && !attributes.has('height')),
    )
    const isElsewhere = mentionsOf(text, name) > 1 + uses.length
    const factor = factorFor(size.width, wanted)
    if (isElsewhere) {
      yield {
        start,
        end,
        why: `shown ${wanted} pixels wide, ${size.width} it has; "${name}" is used in another way as well`,
      }
    } else if (address.includes('?')) {
      yield {
        start,
        end,
        why: `shown ${wanted} pixels wide, ${size.width} it has; its query is another plugin's`,
      }
    } else if (loose) {
      yield {
        start,
        end,
        why: `shown ${wanted} pixels wide, ${size.width} it has; another <Image> takes its size from the file`,
      }
    } else if (factor === undefined) {
      yield { start, end, why: `shown ${wanted} pixels wide, ${size.width} it has: more than eight times` }
    } else {
      yield {
        start,
        end,
        replacement: `${address}?upscale=${factor}`,
        why: `<Image> shows it ${wanted} pixels wide, ${size.width} it has`,
      }
    }
  }
}

/** The attributes of each element of a component whose `src` is a variable; values that code makes are left out. */
function usesOf(text: string, component: string, variable: string): Map<string, string>[] {
  const uses: Map<string, string>[] = []
  const opening = `<${component}`
  for (let at = text.indexOf(opening); at !== -1; at = text.indexOf(opening, at + 1)) {
    const end = endOfTag(text, at)
    if (end === undefined || !/[\s/]/.test(text[at + opening.length] ?? '')) continue
    const attributes = new Map<string, string>()
    const parts = text.slice(at, end).matchAll(/\s([\w-]+)(?:=(?:\{([^{}]*)\}|"([^"]*)"|'([^']*)'))?/g)
    for (const [, name = '', code, double, single] of parts)
      attributes.set(name, (code ?? double ?? single ?? '').trim())
    if (attributes.get('src') === variable) uses.push(attributes)
  }
  return uses
}

/** How often a variable is named, its import included; in prose too, since it may be code. */
function mentionsOf(text: string, variable: string): number {
  const code = text.replace(/(?:=|\bfrom\b)\s*(?:"[^"]*"|'[^'\n]*')/g, '=')
  return [...code.matchAll(new RegExp(`(?<![\\w$.])${variable}(?![\\w$])`, 'g'))].length
}

/** The longest tag that is looked at, in UTF-16 units. */
const LONGEST_TAG = 4000

/** Where a tag ends, outside of braces and quotes. */
function endOfTag(text: string, start: number): number | undefined {
  let depth = 0
  let quote = ''
  for (let at = start; at < Math.min(text.length, start + LONGEST_TAG); at++) {
    const char = text[at] ?? ''
    if (quote !== '') quote = char === quote ? '' : quote
    else if (/["'`]/.test(char)) quote = char
    else if (char === '{') depth++
    else if (char === '}') depth--
    else if (char === '>' && depth === 0) return at
  }
  return undefined
}
