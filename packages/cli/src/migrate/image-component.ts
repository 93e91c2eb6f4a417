import { isRasterName } from 'upscale-core/internal'
import { isTaggedPicture, pathOf } from 'upscale-toolkit/references'
import { hasOtherSize, pictureComponents, shownWidth, textOf, type Use, usesOf } from './component-uses.ts'
import { type Finding, factorFor, type Project, type SourceText } from './finding.ts'
import { largest } from './largest.ts'

const DEFAULT_IMPORT = /\bimport\s+(\w+)\s+from\s+(["'])([^"'\n]+)\2/g

/** `<Image>` of Next.js and Astro that shows an imported picture larger than it is. */
export async function* imageComponents(source: SourceText, project: Project): AsyncGenerator<Finding> {
  const { text } = source
  const usesBySource = new Map<string, Use[]>()
  for (const use of pictureComponents(text).flatMap(component => usesOf(text, component))) {
    const src = use.attributes.get('src')
    if (src?.isCode !== true) continue
    const others = usesBySource.get(src.value)
    if (others === undefined) usesBySource.set(src.value, [use])
    else others.push(use)
  }
  if (usesBySource.size === 0) return
  let mentions: ReadonlyMap<string, number> | undefined
  for (const { 0: statement, 1: name = '', 3: address = '', index } of text.matchAll(DEFAULT_IMPORT)) {
    const start = index + statement.lastIndexOf(address)
    const end = start + address.length
    if (!isRasterName(pathOf(address)) || isTaggedPicture(address)) continue
    const uses = usesBySource.get(name)
    if (uses === undefined) continue
    const file = project.find(address, source)
    const size = file === undefined ? undefined : await project.sizeOf(file)
    if (size === undefined) continue
    const larger = uses.filter(use => (shownWidth(use, size) ?? 0) > size.width)
    if (larger.length === 0) continue
    const sure = larger.filter(use => !hasOtherSize(use) && !use.isSpread)
    const wanted = largest((sure.length === 0 ? larger : sure).map(use => shownWidth(use, size) ?? 0))
    const shown = `shown ${wanted} pixels wide, ${size.width} it has`
    const left = (why: string): Finding => ({ start, end, why: `${shown}${why}` })
    const factor = factorFor(size.width, wanted)
    mentions ??= mentionsIn(text)
    if ((mentions.get(name) ?? 0) > 1 + uses.length) {
      yield left(`; "${name}" is used in another way as well`)
    } else if (address.includes('?')) {
      yield left("; its query is another plugin's")
    } else if (sure.length === 0) {
      yield left('; a class, a style or a spread object may give it another size')
    } else if (uses.some(takesSizeFromFile)) {
      yield left('; another <Image> takes its size from the file')
    } else if (factor === undefined) {
      yield left(': more than eight times')
    } else {
      const why = `<Image> shows it ${wanted} pixels wide, ${size.width} it has`
      yield { start, end, replacement: `${address}?upscale=${factor}`, why }
    }
  }
}

/** One side is enough: the other follows from the picture's shape, which stays. */
function takesSizeFromFile(use: Use): boolean {
  const { attributes } = use
  const fills = attributes.has('fill') || textOf(use, 'layout') === 'fill'
  return !fills && !attributes.has('width') && !attributes.has('height')
}

/** How often each variable is named, its import included; in prose too, since it may be code. */
function mentionsIn(text: string): ReadonlyMap<string, number> {
  const code = text.replace(/(?:=|\bfrom\b)\s*(?:"[^"]*"|'[^'\n]*')/g, '=')
  const mentions = new Map<string, number>()
  for (const [name] of code.matchAll(/(?<![\w$.])[\w$]+/g)) mentions.set(name, (mentions.get(name) ?? 0) + 1)
  return mentions
}
