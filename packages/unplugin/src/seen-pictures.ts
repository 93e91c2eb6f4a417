import { relative } from 'node:path'
import { isUpscaleError, type UpscaleError, type UpscaleRequest } from 'upscale-core'
import type { SeenPicture } from 'upscale-toolkit/inspector'
import { findPlace } from './place.ts'
import type { ReferenceSite } from './reference.ts'

/** Remembers which pictures a bundler asked for, so that they can be shown with those that a search of sources finds. */
export interface SeenPictures {
  all(): Iterable<SeenPicture>
  note(source: string, request: UpscaleRequest, site: ReferenceSite): void
  /** Notes a picture, and how the work on it goes. */
  during<T>(source: string, request: UpscaleRequest, site: ReferenceSite, work: () => Promise<T>): Promise<T>
}

interface Seen {
  readonly file: string
  readonly request: UpscaleRequest
  readonly site: ReferenceSite
  underWay: number
  changes: number
  error: UpscaleError | undefined
  /** Where it is asked for, once somebody wanted to know: that reads a file. */
  place: SeenPicture['place'] | undefined
}

/** @param root the project's folder, absolute */
export function createSeenPictures(root: string): SeenPictures {
  // By request, of which there are few for many files.
  const known = new Map<string, Map<string, Seen>>()
  const written = new WeakMap<UpscaleRequest, string>()

  function textOf(request: UpscaleRequest): string {
    const text = written.get(request) ?? JSON.stringify(request)
    written.set(request, text)
    return text
  }

  function see(file: string, request: UpscaleRequest, site: ReferenceSite): Seen {
    const text = textOf(request)
    const files = known.get(text) ?? new Map<string, Seen>()
    known.set(text, files)
    const seen = files.get(file) ?? {
      file,
      request,
      site,
      underWay: 0,
      changes: 1,
      error: undefined,
      place: undefined,
    }
    files.set(file, seen)
    return seen
  }

  function show(seen: Seen): SeenPicture {
    const { file, request, site, underWay, changes, error } = seen
    return {
      file,
      request,
      reference: site.reference,
      // When it is asked for: its file is read and taken apart, which builds of a thousand pictures can do without.
      get place() {
        seen.place ??= placeOf(site, root)
        return seen.place
      },
      isWorking: underWay > 0,
      changes,
      ...(error === undefined ? {} : { error }),
    }
  }

  return {
    *all() {
      for (const files of known.values()) for (const seen of files.values()) yield show(seen)
    },
    note(source, request, site) {
      see(source, request, site)
    },
    async during(source, request, site, work) {
      const seen = see(source, request, site)
      seen.underWay++
      seen.changes++
      try {
        const result = await work()
        seen.error = undefined
        return result
      } catch (error) {
        seen.error = isUpscaleError(error) ? error : undefined
        throw error
      } finally {
        seen.underWay--
        seen.changes++
      }
    },
  }
}

function placeOf({ reference, importer }: ReferenceSite, root: string): SeenPicture['place'] {
  if (importer === undefined) return { name: reference }
  const { file, line } = findPlace(importer, reference)
  const name = relative(root, file).replaceAll('\\', '/')
  return line === undefined ? { name } : { name, line, file }
}
