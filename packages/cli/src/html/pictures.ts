import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import {
  type Directive,
  isUpscaleError,
  type PlannedImage,
  type UpscaledImage,
  UpscaleError,
  type UpscaleRequest,
  type Upscaler,
} from 'upscale-core'
import { whileThere } from 'upscale-core/internal'
import { candidateAddress, pathOf } from 'upscale-toolkit/references'
import type { Reference, Scan } from 'upscale-toolkit/references/scan'
import { type Site, withFileName } from 'upscale-toolkit/references/site'
import { shownPath } from '../files/operands.ts'
import { placeFile } from '../files/place.ts'

/** One picture to make, whatever number of pages refer to it. */
export interface PagePicture {
  readonly file: string
  readonly request: Partial<UpscaleRequest>
  image?: UpscaledImage
  /** Where the picture lies in the site. */
  output?: string
  plan?: PlannedImage
  error?: UpscaleError
}

/** A reference of a page and what was ordered for it; nothing for an address of another server. */
export interface PageReference extends Reference {
  readonly pictures: readonly PagePicture[]
  /** What was not ours in the query, with the hash. */
  readonly rest: string
  readonly isList: boolean
  /** A mistake in the reference itself. */
  readonly error?: UpscaleError
}

/** Where relative addresses start from: a file of the site, and what its `<base href>` says. */
interface Place {
  readonly file: string
  readonly base: string | undefined
}

export interface Page extends Place {
  readonly references: readonly PageReference[]
}

/** Gathers what the pages of a site need, so that each picture is made once. */
export interface PagePictures {
  readonly all: readonly PagePicture[]
  add(file: string, scan: Scan): Page
  /** Makes or plans a picture. It throws only what is a mistake of ours. */
  fill(picture: PagePicture): Promise<void>
  /** The text that stands for a reference; undefined when a picture for it is missing. */
  answer(reference: PageReference, page: Page): string | undefined
}

export interface OrderFlags {
  readonly assets?: string
  readonly dryRun?: boolean
}

/** @param assets the folder for new files, absolute, where `flags.assets` names one */
export function createPagePictures(
  site: Site,
  upscaler: Upscaler,
  assets: string,
  flags: OrderFlags,
): PagePictures {
  const byKey = new Map<string, PagePicture>()
  const all: PagePicture[] = []

  function picture(file: string, request: Partial<UpscaleRequest>): PagePicture {
    const key = JSON.stringify([file, request])
    const known = byKey.get(key)
    if (known !== undefined) return known
    const made: PagePicture = { file, request }
    byKey.set(key, made)
    all.push(made)
    return made
  }

  return {
    all,
    add: (file, { base, references }) => ({
      file,
      base,
      references: references.map(reference =>
        readReference(reference, { file, base }, { site, upscaler, picture }),
      ),
    }),
    async fill(picture) {
      try {
        if (flags.dryRun === true) picture.plan = await upscaler.plan(picture.file, picture.request)
        else await make(picture, upscaler, flags.assets === undefined ? dirname(picture.file) : assets)
      } catch (error) {
        if (!isUpscaleError(error)) throw error
        // Not begun because of Ctrl-C: that is told once, not for each place.
        if (error.code !== 'ABORTED')
          picture.error = error.at({ file: shownPath(picture.file, process.cwd()) })
      }
    },
    answer(reference, page) {
      const addresses = reference.pictures.flatMap(({ output }) => addressOf(output, reference, page) ?? [])
      if (addresses.length === 0 || addresses.length < reference.pictures.length) return undefined
      if (reference.place === 'rule' && !reference.pictures.every(isLarger)) return undefined
      return reference.isList ? printList(reference, addresses) : addresses[0]
    },
  }

  /** The address of a picture, in the way in which the reference to it was written. */
  function addressOf(
    output: string | undefined,
    { address, rest }: PageReference,
    page: Page,
  ): string | undefined {
    if (output === undefined) return undefined
    const path = pathOf(address)
    const isBeside = flags.assets === undefined
    const changed = isBeside
      ? withFileName(path, basename(output))
      : site.addressLike(path, output, page.file, page.base)
    return changed + rest
  }
}

/** What a reference asks for. A mistake in it is kept with it, so that every one of a page is told. */
function readReference(reference: Reference, page: Place, source: ReferenceContext): PageReference {
  const { site, upscaler, picture } = source
  const nothing = { ...reference, pictures: [], rest: '', isList: false }
  try {
    const directive = upscaler.parse(reference.address)
    const file = site.fileOf(directive?.path ?? pathOf(reference.address), page.file, page.base)
    if (file === undefined || directive === undefined) return nothing
    // A string that names no picture is no address: a name, or a text about references.
    if (reference.place === 'data' && !existsSync(file)) return nothing
    refuseList(directive, reference)
    const pictures = directive.requests.map(request => picture(file, request))
    return { ...reference, pictures, rest: directive.rest, isList: directive.as === 'srcset' }
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return reference.place === 'data' ? nothing : { ...nothing, error }
  }
}

interface ReferenceContext {
  readonly site: Site
  readonly upscaler: Upscaler
  picture(file: string, request: UpscaleRequest): PagePicture
}

/** A `srcset` of the original and its larger pictures. */
function printList(reference: PageReference, addresses: readonly string[]): string {
  const original = pathOf(reference.address) + reference.rest
  const larger = reference.pictures.flatMap((picture, index) => {
    const { image } = picture
    const address = candidateAddress(addresses[index] ?? '')
    return image !== undefined && isLarger(picture) ? [`${address} ${image.factor}x`] : []
  })
  return [`${candidateAddress(original)} 1x`, ...larger].join(', ')
}

/**
 * False for a stand-in that is no larger than the original. It has no place in a `srcset`: under `2x` a browser would
 * show it at half its size.
 */
function isLarger({ image }: PagePicture): boolean {
  return image !== undefined && image.width > image.source.width
}

async function make(picture: PagePicture, upscaler: Upscaler, folder: string): Promise<void> {
  const ask = (): Promise<UpscaledImage> => upscaler.upscale(picture.file, picture.request)
  const image = await ask()
  const name = basename(image.file)
  const extension = extname(name)
  // The digest in the name lets a server have the file cached for good.
  const output = join(folder, `${name.slice(0, -extension.length)}-${image.digest.slice(0, 10)}${extension}`)
  await whileThere(image, ask, made => placeFile(made, output))
  picture.image = image
  picture.output = output
}

function refuseList({ as }: Directive, { place }: Reference): void {
  if (as === 'url' || (as === 'srcset' && place === 'candidate')) return
  throw new UpscaleError('BAD_DIRECTIVE', `as=${as} can't stand in a place for one address`, {
    hint:
      as === 'srcset'
        ? 'put it into a srcset, or remove as=srcset'
        : `remove as=${as}: a page has no use for it`,
  })
}
