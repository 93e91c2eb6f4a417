import type { Compilation, Compiler } from 'webpack'
import type { BuildOptions } from '../options.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { isTaggedImage } from '../reference.ts'
import { errorOfOutput, isModuleId } from './shared.ts'

/** Searches what webpack is about to write for tagged references that no rule saw. */
export function checkOutput(
  compiler: Compiler,
  options: BuildOptions,
  pictureSource: { readonly projectUpscaler: ProjectUpscaler },
): void {
  compiler.hooks.thisCompilation.tap('upscale', compilation => {
    const stage = compiler.webpack.Compilation.PROCESS_ASSETS_STAGE_REPORT
    compilation.hooks.processAssets.tapPromise({ name: 'upscale', stage }, async () => {
      if (hasFailedPicture(compilation)) return
      const isKnown = isModuleId(compilation)
      const error = await errorOfOutput(compilation, isKnown, compiler.context, pictureSource.projectUpscaler)
      if (error === undefined) return
      const { message } = error
      const problem = new compiler.webpack.WebpackError(message)
      problem.hideStack = true
      compilation[options.leftovers === 'error' ? 'errors' : 'warnings'].push(problem)
    })
  })
}

/** True where a picture's own error is told: what is left of its reference needs no other. */
function hasFailedPicture({ errors }: Compilation): boolean {
  return errors.some(
    error => 'module' in error && isTaggedImage(String((error.module as { resource?: unknown })?.resource)),
  )
}
