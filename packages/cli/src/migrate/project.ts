import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import type { Project, SourceText } from './finding.ts'

/**
 * What the rules may ask about a folder's project; what was asked once is remembered.
 * @param root absolute
 */
export async function openProject(root: string): Promise<Project> {
  const { resolveReference } = await import('upscale-toolkit/references/sources')
  const sizes = new Map<string, ReturnType<Project['sizeOf']>>()
  const dependencies = new Map<string, Promise<ReadonlySet<string>>>()
  return {
    find: (address, { file }) => resolveReference(address, file, root),
    sizeOf(file) {
      const known = sizes.get(file) ?? readSize(file)
      sizes.set(file, known)
      return known
    },
    async dependsOn(name, source) {
      const file = nearestPackage(source, root)
      if (file === undefined) return false
      const known = dependencies.get(file) ?? readDependencies(file)
      dependencies.set(file, known)
      return (await known).has(name)
    },
  }
}

async function readSize(file: string): ReturnType<Project['sizeOf']> {
  try {
    const { autoOrient } = await sharp(file).metadata()
    return autoOrient
  } catch {
    // Whatever it is, no rule has anything to say of it.
    return undefined
  }
}

function nearestPackage({ file }: SourceText, root: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const candidate = join(folder, 'package.json')
    if (existsSync(candidate)) return candidate
    if (folder === root || folder === dirname(folder)) return undefined
  }
}

async function readDependencies(file: string): Promise<ReadonlySet<string>> {
  const facts: unknown = JSON.parse(await readFile(file, 'utf8'))
  const groups = Object.entries(typeof facts === 'object' && facts !== null ? facts : {})
    .filter(([key]) => /^(?:dev|peer|optional)?dependencies$/i.test(key))
    .map(([, group]) => Object.keys(typeof group === 'object' && group !== null ? group : {}))
  return new Set(groups.flat())
}
