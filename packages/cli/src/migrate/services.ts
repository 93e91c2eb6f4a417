import { wordsIn } from './addresses.ts'
import { type Finding, factorFor, isPageOrStyle, type Project, type SourceText } from './finding.ts'

/** What an address of an image service asks for. */
interface ServiceAddress {
  readonly service: string
  /** The picture on the site's own server, from its root. */
  readonly path: string
  /** The width asked for, in pixels; undefined where the service decides by itself. */
  readonly width: number | undefined
  /** How much larger it makes pictures where no width is given. */
  readonly factor: number
}

/** Longer ones are refused by servers, theirs among them. */
const LONGEST_ADDRESS = 65_536

/**
 * Addresses of Cloudinary, imgix and Cloudflare that ask for enlargement, where the picture itself lies in the project.
 * Their forms are those of the services' own references: the effect `e_upscale` (four times), the parameter
 * `upscale=true`, and `/cdn-cgi/image/<options>/<path>` with `upscale` or `fit=scale-up`.
 */
export async function* serviceAddresses(source: SourceText, project: Project): AsyncGenerator<Finding> {
  if (!/e_upscale|upscale=|scale-up/.test(source.text)) return
  for (const { word, start } of wordsIn(source.text)) {
    if (word.length > LONGEST_ADDRESS) continue
    const asked = cloudinary(word) ?? imgix(word) ?? cloudflare(word)
    if (asked === undefined) continue
    const place = { start, end: start + word.length }
    const file = project.find(asked.path, source)
    const size = file === undefined ? undefined : await project.sizeOf(file)
    if (size === undefined) {
      yield { ...place, why: `${asked.service}: the picture ${asked.path} does not lie in the project` }
      continue
    }
    const factor = asked.width === undefined ? asked.factor : factorFor(size.width, asked.width)
    if (factor === undefined) {
      yield {
        ...place,
        why: `${asked.service}: ${asked.width} pixels are no enlargement of ${size.width}, or too large`,
      }
    } else if (isPageOrStyle(source)) {
      yield {
        ...place,
        replacement: `${asked.path}?upscale=${factor}`,
        why: `${asked.service} enlarged it for each visitor's request`,
      }
    } else {
      const hint = `import "${asked.path}?upscale=${factor}" instead`
      yield { ...place, why: `${asked.service}: ${hint}; an address in code is not read by bundlers` }
    }
  }
}

function cloudinary(word: string): ServiceAddress | undefined {
  const [, rest] = /^https?:\/\/res\.cloudinary\.com\/[^/]+\/image\/upload\/(.+)$/.exec(word) ?? []
  if (rest === undefined) return undefined
  const parts = rest.split('/')
  // Transformations and the version come before the name.
  const first = parts.findIndex(part => !/^(?:[a-z]{1,3}_[^/]+|v\d+)$/.test(part))
  const steps = parts.slice(0, first).filter(part => !/^v\d+$/.test(part))
  if (!steps.some(step => step.split(',').includes('e_upscale'))) return undefined
  const width = /(?:^|[,/])w_(\d+)/.exec(steps.join('/'))?.[1]
  const path = `/${parts.slice(first).join('/')}`
  return { service: 'Cloudinary', path, width: width === undefined ? undefined : Number(width), factor: 4 }
}

function imgix(word: string): ServiceAddress | undefined {
  const [, path, query] = /^https?:\/\/[\w-]+\.imgix\.net(\/[^?]+)\?(.+)$/.exec(word) ?? []
  if (path === undefined || query === undefined) return undefined
  const asked = new URLSearchParams(query.replaceAll('&amp;', '&'))
  if (asked.get('upscale') !== 'true') return undefined
  const width = asked.get('w')
  return { service: 'imgix', path, width: width === null ? undefined : Number(width), factor: 4 }
}

function cloudflare(word: string): ServiceAddress | undefined {
  const [, options, path] = /^(?:https?:\/\/[^/]+)?\/cdn-cgi\/image\/([^/]+)\/(.+)$/.exec(word) ?? []
  if (options === undefined || path === undefined || /^https?:/.test(path)) return undefined
  const asked = new Map(options.split(',').map(option => option.split('=') as [string, string]))
  const enlarges = asked.has('upscale') || asked.get('fit') === 'scale-up'
  const width = Number(asked.get('width'))
  if (!enlarges || !(width > 0)) return undefined
  return { service: 'Cloudflare', path: `/${path}`, width, factor: 2 }
}
