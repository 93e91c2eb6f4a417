import { isRasterName } from 'upscale-core/internal'
import { isTaggedPicture, pathOf } from 'upscale-toolkit/references'
import { hasOtherSize, pictureComponents, shownWidth, textOf, type Use, usesOf } from './component-uses.ts'
import { type Finding, factorFor, type Project, type SourceText } from './finding.ts'

const DEFAULT_IMPORT = /\bimport\s+(\w+)\s+from\s+(["'])([^"'\n]+)\2/g

/** `<Image>` of Next.js and Astro that shows an imported picture larger than it is. */
export async function* imageComponents(source: SourceText, project: Project): AsyncGenerator<Finding> {
  const { text } = source
  const elements = pictureComponents(text).flatMap(component => usesOf(text, component))
  if (elements.length === 0) return
  for (const { 0: statement, 1: name = '', 3: address = '', index } of text.matchAll(DEFAULT_IMPORT)) {
    const start = index + statement.lastIndexOf(address)
    const end = start + address.length
    if (!isRasterName(pathOf(address)) || isTaggedPicture(address)) continue
    const uses = elements.filter(({ attributes }) => {
      const src = attributes.get('src')
      return src?.isCode === true && src.value === name
    })
    const file = project.find(address, source)
    const size = file === undefined ? undefined : await project.sizeOf(file)
    if (size === undefined) continue
    const larger = uses.filter(use => (shownWidth(use, size) ?? 0) > size.width)
    if (larger.length === 0) continue
    const sure = larger.filter(use => !hasOtherSize(use) && !use.isSpread)
    const wanted = Math.max(...(sure.length === 0 ? larger : sure).map(use => shownWidth(use, size) ?? 0))
    const shown = `shown ${wanted} pixels wide, ${size.width} it has`
    const left = (why: string): Finding => ({ start, end, why: `${shown}${why}` })
    const factor = factorFor(size.width, wanted)
    if (mentionsOf(text, name) > 1 + uses.length) {
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

/** How often a variable is named, its import included; in prose too, since it may be code. */
function mentionsOf(text: string, variable: string): number {
  const code = text.replace(/(?:=|\bfrom\b)\s*(?:"[^"]*"|'[^'\n]*')/g, '=')
  return [...code.matchAll(new RegExp(`(?<![\\w$.])${variable}(?![\\w$])`, 'g'))].length
}
