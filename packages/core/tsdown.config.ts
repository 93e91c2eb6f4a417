import { defineConfig } from 'tsdown'
import { base } from '../../tsdown.base.ts'

/** What these import at once, and not with the first picture that needs it, is one file: each takes half a millisecond to load. */
const AT_START = /\/src\/(?:index|internal)\.ts$/

interface Modules {
  getModuleInfo(id: string): { readonly importers: readonly string[] } | null
}

function isAtStart(id: string, modules: Modules, seen = new Set<string>()): boolean {
  if (AT_START.test(id)) return true
  if (seen.has(id)) return false
  seen.add(id)
  return modules.getModuleInfo(id)?.importers.some(importer => isAtStart(importer, modules, seen)) ?? false
}

export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/internal.ts', 'src/upkeep.ts'],
  dts: true,
  outputOptions: {
    ...base.outputOptions,
    codeSplitting: {
      groups: [
        {
          name: (id, modules) => (!/\.d\.[cm]?ts$/.test(id) && isAtStart(id, modules) ? 'start' : null),
        },
      ],
    },
  },
})
