import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import { folderOf, readOperands, shownPath } from '../files/operands.ts'
import { walk } from '../files/walk.ts'
import type { Session } from '../session.ts'

/** A picture that the sources ask for. */
export interface Wanted {
  readonly file: string
  readonly request: UpscaleRequest
  /** The first place that asks for it. */
  readonly place: {
    readonly reference: string
    readonly importer: { readonly file: string; readonly line: number }
  }
}

export interface Gathered {
  readonly wanted: readonly Wanted[]
  /** References that are wrong, or whose picture was not found. */
  readonly errors: readonly UpscaleError[]
}

/** What the upscaler must be allowed to read for these paths. */
export function includeOf(paths: readonly string[]): string[] {
  return readOperands(paths, process.cwd()).map(folderOf)
}

/** Searches sources for tagged references. A picture that several places ask for alike is listed once. */
export async function gather(paths: readonly string[], { upscaler, stopping }: Session): Promise<Gathered> {
  // The parsers are loaded only by commands that search.
  const { findReferences, isSource, resolveReference } = await import('../references/sources.ts')
  const cwd = process.cwd()
  const { root, cacheDir } = upscaler.options
  const wanted = new Map<string, Wanted>()
  const errors: UpscaleError[] = []

  function take(address: string, source: string, line: number): void {
    const place = { reference: address, importer: { file: shownPath(source, cwd), line } }
    try {
      const directive = upscaler.parse(address)
      if (directive === undefined) return
      const file = resolveReference(address, source, root)
      if (file === undefined) throw notFound()
      for (const request of directive.requests) {
        const key = JSON.stringify([file, request])
        if (!wanted.has(key)) wanted.set(key, { file, request, place })
      }
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      errors.push(error.at(place))
    }
  }

  const operands = readOperands(paths, cwd)
  for await (const { file } of walk(operands, {
    skip: new Set([cacheDir, resolve(root, 'coverage')]),
    wants: isSource,
  })) {
    if (stopping.aborted) break
    const text = await readFile(file, 'utf8')
    for (const { address, line } of findReferences(file, text)) take(address, file, line)
  }
  return { wanted: [...wanted.values()], errors }
}

function notFound(): UpscaleError {
  return new UpscaleError('SOURCE_NOT_FOUND', 'no picture was found for this reference', {
    hint: 'check the path; an alias of your bundler is not known here',
  })
}
