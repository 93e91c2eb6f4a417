import { readFile } from 'node:fs/promises'
import { type Directive, isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import type { UpscaleRule } from '../rules/rule.ts'
import { isElsewhere, isTaggedPicture, pathOf } from './address.ts'
import { countLines } from './lines.ts'
import { findReferences, resolveReference, type SourceReference } from './source-text.ts'

/** Where a source asks for a picture. */
export interface Place {
  /** As written. */
  readonly reference: string
  /** The name of the source, for people, and the line from 1. */
  readonly importer: { readonly file: string; readonly line: number }
  /** The source, absolute. */
  readonly source: string
}

/** A picture that sources ask for. */
export interface WantedPicture {
  /** Absolute. */
  readonly file: string
  readonly request: UpscaleRequest
  /** Every place that asks for it, in the order in which they were found. */
  readonly places: readonly [Place, ...Place[]]
}

/** A reference that is wrong, or whose picture was not found; the error has the place in its message. */
export interface WrongReference {
  readonly error: UpscaleError
  readonly place: Place
}

export interface Gathered {
  readonly wanted: readonly WantedPicture[]
  readonly wrong: readonly WrongReference[]
}

export interface GatherOptions {
  /** The project's folder, absolute. */
  readonly root: string
  /** @throws UpscaleError BAD_DIRECTIVE, UNKNOWN_ENGINE */
  parse(reference: string): Directive | undefined
  /** The name of a source, for people. */
  nameOf(source: string): string
  /**
   * The file that a reference means, where the bundler can tell; undefined leaves it to {@link resolveReference}.
   * @param path the reference without its query
   */
  resolve?(path: string, source: string): Promise<string | undefined>
  /** Rules for the images of pages, and what they need to know. */
  readonly ruled?: RuledPictures
}

export interface RuledPictures {
  readonly rules: readonly UpscaleRule[]
  /** The factor of rules that name none. */
  readonly factor: number
}

/** Searches sources for tagged references, and pages for images that rules choose. A picture that several places ask for alike is listed once. */
export async function gatherPictures(
  sources: AsyncIterable<string>,
  { root, parse, nameOf, resolve, ruled }: GatherOptions,
): Promise<Gathered> {
  const wanted = new Map<string, WantedPicture>()
  const wrong: WrongReference[] = []

  async function take(place: Place): Promise<void> {
    const { reference, source } = place
    const directive = parse(reference)
    if (directive === undefined || isElsewhere(reference)) return
    const file = await fileOf(directive.path, source)
    if (file === undefined) throw notFound()
    for (const request of directive.requests) {
      const key = JSON.stringify([file, request])
      const [first, ...others] = wanted.get(key)?.places ?? [place]
      const places: WantedPicture['places'] = first === place ? [place] : [first, ...others, place]
      wanted.set(key, { file, request, places })
    }
  }

  async function fileOf(path: string, source: string): Promise<string | undefined> {
    return (await resolve?.(path, source)) ?? resolveReference(path, source, root)
  }

  /** What rules would write into a page. */
  async function findRuled(source: string, text: string): Promise<SourceReference[]> {
    if (ruled === undefined || ruled.rules.length === 0 || !/\.x?html?$/i.test(source)) return []
    const { findRuledImages } = await import('../rules/ruled-images.ts')
    const lineOf = countLines(text)
    const page = {
      file: source,
      root,
      factor: ruled.factor,
      fileOf: (address: string) => fileOf(pathOf(address), source),
    }
    const images = await findRuledImages(text, ruled.rules, page)
    return images.flatMap(({ candidates, start }) => {
      const tagged = candidates.filter(({ address }) => isTaggedPicture(address))
      return tagged.map(({ address }) => ({ address, line: lineOf(start) }))
    })
  }

  for await (const source of sources) {
    const text = await readFile(source, 'utf8').catch(leaveOutGone)
    for (const { address, line } of [...findReferences(source, text), ...(await findRuled(source, text))]) {
      const place = { reference: address, importer: { file: nameOf(source), line }, source }
      try {
        await take(place)
      } catch (error) {
        if (!isUpscaleError(error)) throw error
        const { reference, importer } = place
        wrong.push({ error: error.at({ reference, importer }), place })
      }
    }
  }
  return { wanted: [...wanted.values()], wrong }
}

/** A file that went away since it was found refers to nothing. */
function leaveOutGone(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
  throw error
}

function notFound(): UpscaleError {
  return new UpscaleError('SOURCE_NOT_FOUND', 'no picture was found for this reference', {
    hint: 'check the path; an alias of your bundler is not known here',
  })
}
