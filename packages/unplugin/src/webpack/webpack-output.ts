import type { Compiler } from 'webpack'
import { findLeftovers, leftoverError } from '../leftovers.ts'
import type { BuildOptions } from '../options.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { findUnanswered, isModuleId, outputFiles, ownPrefixes, sourceFiles } from './shared.ts'

/** Searches what webpack is about to write for tagged references that no rule saw. */
export function checkOutput(
  compiler: Compiler,
  options: BuildOptions,
  pictureSource: { readonly projectUpscaler: ProjectUpscaler },
): void {
  compiler.hooks.thisCompilation.tap('upscale', compilation => {
    const stage = compiler.webpack.Compilation.PROCESS_ASSETS_STAGE_REPORT
    compilation.hooks.processAssets.tapPromise({ name: 'upscale', stage }, async () => {
      const [first, ...others] = await findLeftovers(outputFiles(compilation), {
        ownPrefixes: ownPrefixes(compilation),
        isKnown: isModuleId(compilation),
      })
      const error =
        first === undefined
          ? await findUnanswered(compilation, compiler.context, pictureSource.projectUpscaler)
          : leftoverError([first, ...others], sourceFiles(compilation))
      if (error === undefined) return
      const { message } = error
      const problem = new compiler.webpack.WebpackError(message)
      problem.hideStack = true
      compilation[options.leftovers === 'error' ? 'errors' : 'warnings'].push(problem)
    })
  })
}
