import type { Compilation, Compiler } from '@rspack/core'
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
      const isKnown = isNameOfOutput(compilation)
      const error = await errorOfOutput(compilation, isKnown, compiler.context, pictureSource.projectUpscaler)
      if (error === undefined) return
      const { message } = error
      const problem = Object.assign(new compiler.rspack.WebpackError(message), { hideStack: true })
      compilation[options.leftovers === 'error' ? 'errors' : 'warnings'].push(problem)
    })
  })
}

/**
 * A file name template with `[query]`, as the default one, leaves our key on the address of a finished picture.
 */
function isNameOfOutput(compilation: Compilation): (text: string) => boolean {
  const names = compilation.getAssets().flatMap(({ name }) => (name.includes('?') ? [name] : []))
  const isId = isModuleId(compilation)
  return text => isId(text) || names.some(name => text.endsWith(name))
}
