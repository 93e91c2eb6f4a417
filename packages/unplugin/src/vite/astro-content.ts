import { extname, join } from 'node:path'
import type { Plugin } from 'vite'
import { isTaggedImage, pathOf, type ReferenceSite } from '../reference.ts'
import { type Flat, flatDataOf } from './astro-data.ts'
import type { FindFile } from './files.ts'
import { addressFor, type SessionOf, type ViteSession } from './session.ts'

/*
 * Astro reads the pictures of content collections by itself: it keeps what entries contain in one module of data, and
 * imports the pictures in another, a map that it looks them up in when a page is rendered. It passes over an address that
 * doesn't end like a picture's, so a tagged one would become an <img> without an address. What is done here: such an
 * address gets another spelling in the data, under which the map has the picture.
 */

/** Astro's module of pictures, whose default export is a `Map`. */
const PICTURES_MODULE = 'astro:asset-imports'
const IMAGE_PREFIX = '__ASTRO_IMAGE_'
const RENDERED_IMAGE = /__ASTRO_IMAGE_="([^"]*)"/g

/** A tagged picture of an entry. */
interface Picture {
  /** As written. */
  readonly reference: string
  /** The entry's file, relative to the root. */
  readonly entry: string
}

/** The pictures of Astro's content collections. */
export function astroContent(sessionOf: SessionOf): Plugin {
  return {
    name: 'upscale:astro-content',
    transform: {
      order: 'pre',
      filter: { id: /^\0astro:data-layer-content$/, code: /[?&;]upscale\b/ },
      async handler(code) {
        const data = flatDataOf(code, text => this.parse(text))
        const config = this.environment.getTopLevelConfig()
        const session = sessionOf(config)
        if (data === undefined || session === undefined) return null
        const imports: string[] = []
        const sets: string[] = []
        const spellings = new Map<string, string>()
        for (const { reference, entry } of picturesOf(data)) {
          const importer = join(config.root, entry)
          const find = async (path: string): Promise<string | undefined> =>
            (await this.resolve(path, importer))?.id
          const file = await fileOf({ reference, importer }, session, find)
          if (file === undefined) continue
          const name = `picture${imports.length}`
          const spelling = spellingOf(reference)
          imports.push(`import ${name} from ${JSON.stringify(file)}`)
          sets.push(`pictures.set(${JSON.stringify(importIdOf(spelling, entry))}, ${name})`)
          spellings.set(reference, spelling)
        }
        if (spellings.size === 0) return null
        const json = JSON.stringify(data.map(value => withSpellings(value, spellings)))
        const lines = [
          `import pictures from ${JSON.stringify(PICTURES_MODULE)}`,
          ...imports,
          ...sets,
          `export default JSON.parse(${JSON.stringify(json)})`,
        ]
        return { code: lines.join('\n'), map: { mappings: '' } }
      },
    },
  }
}

/**
 * The file to import for a reference of an entry; undefined for one that asks for no address.
 * @param find follows what the project calls by another name, as Astro does
 */
async function fileOf(
  site: ReferenceSite,
  session: ViteSession,
  find: FindFile,
): Promise<string | undefined> {
  if (session.projectUpscaler.parse(site).as !== 'url') return undefined
  return (await addressFor(site, 'content', session, find)).file
}

/** The tagged pictures that Astro would import for its entries, each once per entry. */
function picturesOf(data: Flat): Picture[] {
  return data.flatMap(value => {
    if (typeof value !== 'object' || value === null || !('filePath' in value && 'assetImports' in value))
      return []
    const entry = at(data, value.filePath)
    const list = at(data, value.assetImports)
    if (typeof entry !== 'string' || !Array.isArray(list)) return []
    const references = new Set(list.map(place => at(data, place)))
    return [...references].flatMap(reference =>
      typeof reference === 'string' && isTaggedImage(reference) ? [{ reference, entry }] : [],
    )
  })
}

function at(data: Flat, place: unknown): unknown {
  return typeof place === 'number' ? data[place] : undefined
}

/** Another address for a picture, which ends as Astro wants it and has no tag. */
function spellingOf(reference: string): string {
  const path = pathOf(reference)
  return `${path}?enlarged=${encodeURIComponent(reference.slice(path.length + 1))}${extname(path)}`
}

/** The key of a picture in Astro's map. */
function importIdOf(address: string, entry: string): string {
  return `${address}?${new URLSearchParams([
    ['astroContentImageFlag', ''],
    ['importer', entry],
  ])}`
}

/** A value of the data with the other spellings: a reference, rendered Markdown, or the Markdown itself. */
export function withSpellings(value: unknown, spellings: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'string') return value
  const whole = spellings.get(value.replace(IMAGE_PREFIX, ''))
  if (whole !== undefined) return value.startsWith(IMAGE_PREFIX) ? IMAGE_PREFIX + whole : whole
  let text = value.replace(RENDERED_IMAGE, (attribute, json) => withSpelling(json, spellings) ?? attribute)
  for (const [reference, spelling] of spellings) text = text.replaceAll(`](${reference}`, `](${spelling}`)
  return text
}

/**
 * What Astro writes in the place of a picture's attributes, as JSON with entities. They stay those that it writes: Astro 5 knows
 * no others.
 */
function withSpelling(json: string, spellings: ReadonlyMap<string, string>): string | undefined {
  try {
    const properties = JSON.parse(decode(json))
    const src = spellings.get(properties.src)
    return src && `${IMAGE_PREFIX}="${encode(JSON.stringify({ ...properties, src }))}"`
  } catch {
    // Not written by Astro.
    return undefined
  }
}

function decode(text: string): string {
  return text
    .replace(/&(?:quot|#x22);/g, '"')
    .replace(/&(?:apos|#x27);/g, "'")
    .replace(/&(?:amp|#x26|#38);/g, '&')
}

function encode(text: string): string {
  return text.replaceAll('&', '&#x26;').replaceAll('"', '&#x22;')
}
