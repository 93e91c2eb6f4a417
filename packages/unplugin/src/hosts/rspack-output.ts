import type { Compilation, Compiler } from '@rspack/core'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import type { BuildOptions } from '../options.ts'
import { pathOf } from '../reference.ts'

/** Searches what Rspack is about to write for tagged references that no rule saw. */
export function checkOutput(compiler: Compiler, options: BuildOptions): void {
  compiler.hooks.thisCompilation.tap('upscale', compilation => {
    const stage = compiler.rspack.Compilation.PROCESS_ASSETS_STAGE_REPORT
    compilation.hooks.processAssets.tapPromise({ name: 'upscale', stage }, async () => {
      const [first, ...others] = await findLeftovers(outputFiles(compilation), {
        ownPrefixes: ownPrefixes(compilation),
        isKnown: isNameOfOutput(compilation),
      })
      if (first === undefined) return
      const { message } = leftoverError([first, ...others], sourceFiles(compilation))
      const problem = Object.assign(new compiler.rspack.WebpackError(message), { hideStack: true })
      compilation[options.leftovers === 'error' ? 'errors' : 'warnings'].push(problem)
    })
  })
}

function* outputFiles(compilation: Compilation): Generator<OutputFile> {
  for (const { name, source } of compilation.getAssets()) {
    if (isSearched(name)) yield { name, text: () => source.source().toString() }
  }
}

function ownPrefixes({ outputOptions }: Compilation): string[] {
  const { publicPath } = outputOptions
  return typeof publicPath === 'string' && publicPath !== 'auto' ? [publicPath] : []
}

/**
 * A file name template with `[query]`, as the default one, leaves our key on the address of a finished picture. And with
 * named ids, `"./src/hero.png?upscale=2"` in the output is the name of a module and no address.
 */
function isNameOfOutput(compilation: Compilation): (text: string) => boolean {
  const names = compilation.getAssets().flatMap(({ name }) => (name.includes('?') ? [name] : []))
  let ids: Set<string> | undefined
  return text => {
    ids ??= new Set(
      [...compilation.modules].map(module => String(compilation.chunkGraph.getModuleId(module))),
    )
    return ids.has(text) || names.some(name => text.endsWith(name))
  }
}

function* sourceFiles(compilation: Compilation): Generator<string> {
  for (const module of compilation.modules) {
    const file = module.nameForCondition()
    if (file && !file.includes('node_modules')) yield pathOf(file)
  }
}
