import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// Packages that only some projects need are not installed with this one. They are looked for beside it, then in the
// project, and looking loads nothing.

/** The packages among `names` that are neither beside this package nor in the project. */
export function missingPackages(names: readonly string[], root: string): string[] {
  return names.filter(name => find(name, root) === undefined)
}

/**
 * Loads a package that {@link missingPackages} found.
 * @returns its exports; those of CommonJS are on `default`
 */
export async function loadPackage(name: string, root: string): Promise<Readonly<Record<string, unknown>>> {
  const found = find(name, root)
  if (found === undefined) throw new Error(`the package ${name} is not installed`)
  return found.isBeside ? import(name) : import(pathToFileURL(found.file).href)
}

function find(name: string, root: string): { readonly file: string; readonly isBeside: boolean } | undefined {
  for (const from of [import.meta.url, join(root, 'package.json')]) {
    try {
      return { file: createRequire(from).resolve(name), isBeside: from === import.meta.url }
    } catch {
      // Not there, or not made to be found: the next place may have it.
    }
  }
  return undefined
}
