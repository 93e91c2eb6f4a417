import { decodedPath } from 'upscale-toolkit/references'
import { addressesIn } from './addresses.ts'
import { type Finding, factorFor, type Project, type SourceText } from './finding.ts'
import { largest } from './largest.ts'

const SIZE_KEYS = new Set(['w', 'width', 'h', 'height'])
/** Keys that mean the same before and after, or that vite-imagetools goes on reading. */
const KEPT_KEYS = new Set([...SIZE_KEYS, 'allowUpscale', 'format', 'quality', 'fit', 'position'])

/**
 * Directives of vite-imagetools that enlarge: a width or a height beyond the source's, with `allowUpscale`, without which
 * it leaves sizes alone that are too large. The larger source comes from us, and the exact size still from it.
 */
export async function* imagetoolsDirectives(source: SourceText, project: Project): AsyncGenerator<Finding> {
  if (!source.text.includes('allowUpscale') || !project.dependsOn('vite-imagetools', source)) return
  for (const { path, query, start, end } of addressesIn(source.text)) {
    const pairs = query.slice(1).split(/&amp;|&/)
    const keys = pairs.map(pair => pair.replace(/=.*/s, ''))
    if (!keys.includes('allowUpscale') || keys.includes('upscale')) continue
    const file = project.find(path, source)
    const size = file === undefined ? undefined : await project.sizeOf(file)
    if (size === undefined) {
      yield { start, end, why: `vite-imagetools: no picture was found at ${path}` }
      continue
    }
    const strange = keys.find(key => !KEPT_KEYS.has(key))
    if (strange !== undefined) {
      yield { start, end, why: `vite-imagetools: "${strange}" beside allowUpscale is not understood` }
      continue
    }
    const factor = largest(pairs.map(pair => enlargementOf(pair, size) ?? 0))
    if (factor === 0) {
      yield { start, end, why: 'vite-imagetools: allowUpscale with a size that is not larger, or too large' }
      continue
    }
    const separator = query.includes('&amp;') ? '&amp;' : '&'
    const kept = pairs.filter((_, at) => keys[at] !== 'allowUpscale')
    const replacement = `${path}?${[`upscale=${factor}`, ...kept].join(separator)}`
    yield { start, end, replacement, why: 'vite-imagetools enlarged it by resampling' }
  }
}

/** The factor that the largest size of one key needs. */
function enlargementOf(
  pair: string,
  size: { readonly width: number; readonly height: number },
): number | undefined {
  const [key = '', value = ''] = pair.split('=')
  if (!SIZE_KEYS.has(key)) return undefined
  const wanted = largest(decodedPath(value).split(';').map(Number))
  return factorFor(key.startsWith('w') ? size.width : size.height, wanted)
}
