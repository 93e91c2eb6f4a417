import { readFile } from 'node:fs/promises'
import { type Directive, isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import { createRounds } from 'upscale-core/internal'
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
  const wanted = new Map<string, Gathering>()
  const wrong: WrongReference[] = []

  /** The pictures that a source means by a reference. */
  async function picturesOf(reference: string, source: string): Promise<readonly Gathering[]> {
    const directive = parse(reference)
    if (directive === undefined || isElsewhere(reference)) return []
    const file = await fileOf(directive.path, source)
    if (file === undefined) throw notFound()
    return directive.requests.map(request => {
      const key = JSON.stringify([file, request])
      const picture = wanted.get(key) ?? { file, request, places: [] }
      wanted.set(key, picture)
      return picture
    })
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

  const { turn } = createRounds()
  for await (const source of sources) {
    const text = await readFile(source, 'utf8').catch(leaveOutGone)
    // A source may name one picture in a thousand places; what it means is worked out once.
    const known = new Map<string, readonly Gathering[] | UpscaleError>()
    for (const { address, line } of [...findReferences(source, text), ...(await findRuled(source, text))]) {
      const wait = turn()
      if (wait !== undefined) await wait
      const found = known.get(address) ?? (await picturesOf(address, source).catch(onlyOurs))
      known.set(address, found)
      const importer = { file: nameOf(source), line }
      const place = { reference: address, importer, source }
      if (isUpscaleError(found)) wrong.push({ error: found.at({ reference: address, importer }), place })
      else for (const { places } of found) places.push(place)
    }
  }
  return { wanted: [...wanted.values()].filter(hasPlaces), wrong }
}

/** A picture whose places are being found. */
interface Gathering extends Omit<WantedPicture, 'places'> {
  readonly places: Place[]
}

function hasPlaces(picture: Gathering): picture is Gathering & WantedPicture {
  return picture.places.length > 0
}

/** What is wrong with a reference is told with all others. */
function onlyOurs(error: unknown): UpscaleError {
  if (isUpscaleError(error)) return error
  throw error
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
