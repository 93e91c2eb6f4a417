import type { Compiler } from 'webpack'
import { isTaggedImage } from '../reference.ts'

/**
 * Keeps the files of placeholders from `output.clean` while the compiler runs. A page may be on its way when its pictures are
 * replaced: it then has the addresses of placeholders beside the newer script, whose client sees nothing to load again.
 */
export function keepPlaceholders(compiler: Compiler): void {
  const files = new Set<string>()
  compiler.hooks.compilation.tap('upscale', compilation => {
    compilation.hooks.afterProcessAssets.tap('upscale', () => {
      for (const module of compilation.modules) {
        const { buildInfo } = module
        // The loader says of nothing but a placeholder that it must not be kept.
        if (buildInfo?.cacheable !== false || !('resource' in module)) continue
        if (!isTaggedImage(String(module.resource))) continue
        for (const file of filesOf(buildInfo)) files.add(file)
      }
    })
    // Older versions than 5.20 have no `output.clean`.
    compiler.webpack.CleanPlugin?.getCompilationHooks(compilation).keep.tap('upscale', file =>
      files.has(file) ? true : undefined,
    )
  })
}

/** What webpack's own asset modules wrote, and what loaders did. */
function filesOf({ filename, assets }: { filename?: unknown; assets?: unknown }): string[] {
  const written = typeof assets === 'object' && assets !== null ? Object.keys(assets) : []
  return typeof filename === 'string' ? [filename, ...written] : written
}
