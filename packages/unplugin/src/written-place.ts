import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Importer, UpscaleError } from 'upscale-core'
import { findPlaceIn } from './place.ts'

/** Where the files of a project are. */
export interface ProjectFolders {
  /** The project's folder, absolute. */
  readonly root: string
  /** Folders of the output, absolute. */
  readonly outputs: readonly string[]
}

/** Every source of a project, configs among them, and the files of its environment. */
export async function* filesOf({ root, outputs }: ProjectFolders): AsyncGenerator<string> {
  const { sourcesIn } = await import('upscale-toolkit/references/sources')
  yield* sourcesIn(root, new Set(outputs))
  for (const name of await readdir(root)) if (/^\.env(?:\.|$)/.test(name)) yield join(root, name)
}

/**
 * The error with the place that wrote its reference. What preprocessors, mixins and `composes` put together stands in
 * another file than the one that a bundler names, and in whatever file of the project has it word by word.
 */
export async function atWrittenPlace(error: UpscaleError, folders: ProjectFolders): Promise<UpscaleError> {
  const { code, problem, details } = error
  const { importer, reference } = details
  if (importer?.line !== undefined || reference === undefined) return error
  const written = await findInProject(reference, folders)
  if (written === undefined) return error
  const from = importer === undefined ? '' : ` from, ${importer.file}`
  const hint = `${details.hint}; a partial, a variable, a mixin or "composes" brought it to where the bundler looks${from}: write an address that leads there from both, as an alias does`
  return new UpscaleError(code, problem, { ...details, importer: written, hint })
}

async function findInProject(reference: string, folders: ProjectFolders): Promise<Importer | undefined> {
  for await (const file of filesOf(folders)) {
    const place = findPlaceIn(file, reference)
    if (place !== undefined) return place
  }
  return undefined
}
