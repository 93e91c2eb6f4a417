import { createRequire } from 'node:module'
import { join } from 'node:path'
import { types } from 'node:util'

// Packages that only some projects need are not installed with this one. They are looked for beside it, then in the
// project, and looking loads nothing.

/** The packages among `names` that are neither beside this package nor in the project. */
export function missingPackages(names: readonly string[], root: string): string[] {
  return names.filter(name => find(name, root) === undefined)
}

/**
 * Loads a package that {@link missingPackages} found. Not by `import()`, although this waits: webpack reads what a config
 * imports to know when its cache is stale, and warns of each `import()` of a name that it can't follow.
 * @returns its exports; those of CommonJS are on `default` as well
 */
export async function loadPackage(name: string, root: string): Promise<Readonly<Record<string, unknown>>> {
  const found = find(name, root)
  if (found === undefined) throw new Error(`the package ${name} is not installed`)
  const exports = found.require(name)
  return types.isModuleNamespaceObject(exports) ? { ...exports } : { default: exports, ...exports }
}

function find(name: string, root: string): { readonly require: NodeJS.Require } | undefined {
  for (const from of [import.meta.url, join(root, 'package.json')]) {
    try {
      const require = createRequire(from)
      require.resolve(name)
      return { require }
    } catch {
      // Not there, or not made to be found: the next place may have it.
    }
  }
  return undefined
}
