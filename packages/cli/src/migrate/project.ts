import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { dependenciesOf, refuseAnimation, sniffFormat } from 'upscale-core/internal'
import type { Project, SourceText } from './finding.ts'

/**
 * What the rules may ask about a folder's project; what was asked once is remembered.
 * @param root absolute
 */
export async function openProject(root: string): Promise<Project> {
  const { resolveReference } = await import('upscale-toolkit/references/sources')
  const sizes = new Map<string, ReturnType<Project['sizeOf']>>()
  const dependencies = new Map<string, ReadonlySet<string>>()
  return {
    find: (address, { file }) => resolveReference(address, file, root),
    sizeOf(file) {
      const known = sizes.get(file) ?? readSize(file)
      sizes.set(file, known)
      return known
    },
    dependsOn(name, source) {
      const folder = nearestPackage(source, root)
      if (folder === undefined) return false
      const known = dependencies.get(folder) ?? dependenciesOf(folder)
      dependencies.set(folder, known)
      return known.has(name)
    },
    packageOf: source => nearestPackage(source, root),
  }
}

async function readSize(file: string): ReturnType<Project['sizeOf']> {
  try {
    const bytes = await readFile(file)
    refuseAnimation({ bytes, format: sniffFormat(bytes) })
    return (await sharp(bytes).metadata()).autoOrient
  } catch {
    // Whatever it is, no rule has anything to say of it.
    return undefined
  }
}

/** The folder of the package that a source belongs to. */
function nearestPackage({ file }: SourceText, root: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === root || folder === dirname(folder)) return undefined
  }
}
