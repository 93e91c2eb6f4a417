import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { isUpscaleError, UpscaleError } from 'upscale-core'
import { nearestFile } from 'upscale-core/internal'
import type { Compilation, Compiler, Module, WebpackError } from 'webpack'
import { withPlace } from '../project-upscaler.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { atWrittenPlace } from '../written-place.ts'

/**
 * Says in our words what webpack says of a tagged reference that leads nowhere, and of an error that a hook of ours threw
 * while webpack resolved: "Module not found: UpscaleError", without the place.
 */
export function tellResolveErrors({ webpack, context }: Compiler, compilation: Compilation): void {
  const folders = { root: context, outputs: [compilation.outputOptions.path ?? ''] }
  compilation.hooks.finishModules.tapPromise('upscale', async () => {
    for (const [index, error] of compilation.errors.entries()) {
      const ours = oursOf(error)
      if (ours === undefined) continue
      const { message } = await atWrittenPlace(ours, folders)
      const told = new webpack.WebpackError(message)
      told.hideStack = true
      const { module, loc } = error as Failure
      if (module) told.module = module
      if (loc) told.loc = loc
      compilation.errors[index] = told
    }
  })
}

/** webpack's types of its list of errors leave out what they are. */
type Failure = Error & {
  readonly module?: Module | null
  readonly loc?: WebpackError['loc']
  readonly error?: unknown
}

function oursOf(error: Failure): UpscaleError | undefined {
  if (error.name !== 'ModuleNotFoundError') return undefined
  if (isUpscaleError(error.error)) return error.error
  const reference = /Can't resolve '([^']+)'/.exec(error.message)?.[1] ?? ''
  if (!isTaggedImage(reference)) return undefined
  const importer = error.module?.nameForCondition() ?? undefined
  return withPlace(
    new UpscaleError('SOURCE_NOT_FOUND', `no picture was found: Can't resolve '${reference}'`, {
      hint: `${meantBy(pathOf(reference), importer)}check the path; it starts from the file that has it`,
    }),
    { reference, importer },
  )
}

function meantBy(path: string, importer: string | undefined): string {
  if (importer === undefined || isAbsolute(path)) return ''
  const missing = join(dirname(importer), path)
  // A bare name is one of a package: what lies beside has to be led to.
  if (!path.startsWith('.')) return existsSync(missing) ? `did you mean "./${path}"? Otherwise ` : ''
  const near = nearestFile(missing)
  return near === undefined ? '' : `did you mean ${JSON.stringify(near)}? Otherwise `
}
