import type { Compiler } from '@rspack/core'
import type { BuildOptions } from '../options.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { errorOfOutput, isModuleId } from './shared.ts'

/** Searches what Rspack is about to write for tagged references that no rule saw. */
export function checkOutput(
  compiler: Compiler,
  options: BuildOptions,
  pictureSource: { readonly projectUpscaler: ProjectUpscaler },
): void {
  compiler.hooks.thisCompilation.tap('upscale', compilation => {
    const stage = compiler.rspack.Compilation.PROCESS_ASSETS_STAGE_REPORT
    compilation.hooks.processAssets.tapPromise({ name: 'upscale', stage }, async () => {
      const isKnown = isModuleId(compilation)
      const error = await errorOfOutput(compilation, isKnown, compiler.context, pictureSource.projectUpscaler)
      if (error === undefined) return
      const { message } = error
      const problem = Object.assign(new compiler.rspack.WebpackError(message), { hideStack: true })
      compilation[options.leftovers === 'error' ? 'errors' : 'warnings'].push(problem)
    })
  })
}
