import type { Compilation, Compiler, Module } from 'webpack'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import type { BuildOptions } from '../options.ts'
import { pathOf } from '../reference.ts'

/** Searches what webpack is about to write for tagged references that no rule saw. */
export function checkOutput(compiler: Compiler, options: BuildOptions): void {
  compiler.hooks.thisCompilation.tap('upscale', compilation => {
    compilation.hooks.afterProcessAssets.tap('upscale', () => {
      const [first, ...others] = findLeftovers(outputFiles(compilation), {
        ownPrefixes: ownPrefixes(compilation),
        isKnown: isOfWebpack(compilation),
      })
      if (first === undefined) return
      const { message } = leftoverError([first, ...others], sourceFiles(compilation))
      const problem = new compiler.webpack.WebpackError(message)
      problem.hideStack = true
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
 * Strings that webpack itself writes: with named ids, `"./src/hero.png?upscale=2"` is the name of a module, and the
 * keys of a context (`require('./x/' + name + '.png?upscale=2')`) look the same. Neither is an address.
 */
function isOfWebpack(compilation: Compilation): (text: string) => boolean {
  let ids: Set<string> | undefined
  let contexts: Context[] | undefined
  return text => {
    ids ??= new Set(
      [...compilation.modules].map(module => String(compilation.chunkGraph.getModuleId(module))),
    )
    contexts ??= [...compilation.modules].flatMap(contextOf)
    const path = pathOf(text)
    const answers = ({ pattern, query }: Context): boolean =>
      text === path + query && (pattern.test(path) || pattern.test(`./name${path}`))
    return ids.has(text) || contexts.some(answers)
  }
}

/** Which requests a context answers. */
interface Context {
  readonly pattern: RegExp
  readonly query: string
}

/** The class of context modules is not exported, so one is told by its options. */
function contextOf(module: Module): Context[] {
  const options = 'options' in module ? module.options : undefined
  if (typeof options !== 'object' || options === null || !('regExp' in options)) return []
  const query =
    'resourceQuery' in options && typeof options.resourceQuery === 'string' ? options.resourceQuery : ''
  return options.regExp instanceof RegExp ? [{ pattern: options.regExp, query }] : []
}

function* sourceFiles(compilation: Compilation): Generator<string> {
  for (const module of compilation.modules) {
    const file = module.nameForCondition()
    if (file && !file.includes('node_modules')) yield pathOf(file)
  }
}
