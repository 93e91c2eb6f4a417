import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import { glob } from 'tinyglobby'
import { UpscaleError } from 'upscale-core'
import { folderOf, type Operand } from './operands.ts'

/** A file that was found below an operand. */
export interface Found {
  /** Absolute. */
  readonly file: string
  /** Relative to the operand's folder, with `/`. */
  readonly name: string
}

export interface WalkRules {
  /** Folders that are left out, absolute. */
  readonly skip: ReadonlySet<string>
  /** Which files of a folder are wanted; a file that was named itself always is. */
  wants(name: string): boolean
}

/** A suffix that says a density: what stands before the number, and the number. */
const DENSITY = /^(\D+)\d+(?:\.\d+)?x$/

/**
 * True for a file that an earlier run wrote beside its source: `hero@2x.png` for the suffix `@2x`, and for `@3x` too, since
 * who makes several densities of one folder wants none of them enlarged.
 */
export function isResultBeside(name: string, suffix: string): boolean {
  if (suffix === '') return false
  const stem = basename(name, extname(name))
  const before = DENSITY.exec(suffix)?.[1]
  const density = /\d+(?:\.\d+)?x$/.exec(stem)
  if (before === undefined || density === null) return stem.endsWith(suffix)
  return stem.slice(0, density.index).endsWith(before)
}

/**
 * Every wanted file of the operands, one after the other: a folder of any size is never held as a list. Folders named
 * `node_modules` and those whose name starts with a dot are left out.
 */
export async function* walk(operands: readonly Operand[], rules: WalkRules): AsyncGenerator<Found> {
  for (const operand of operands) {
    if (operand.kind === 'file') yield { file: operand.path, name: basename(operand.path) }
    else if (operand.kind === 'folder') yield* walkFolder(operand.path, operand.path, rules)
    else yield* matches(operand, rules)
  }
}

async function* walkFolder(folder: string, base: string, rules: WalkRules): AsyncGenerator<Found> {
  const entries = await list(folder)
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      const hidden = entry.name.startsWith('.') || entry.name === 'node_modules' || rules.skip.has(path)
      if (!hidden) yield* walkFolder(path, base, rules)
    } else if (!entry.name.startsWith('.') && rules.wants(entry.name)) {
      yield { file: path, name: relative(base, path).replaceAll('\\', '/') }
    }
  }
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('SOURCE_UNREADABLE', `the folder can't be read: ${reason}`, {
      hint: 'check its permissions',
      file: folder,
      cause,
    })
  }
}

async function* matches(operand: Operand & { kind: 'glob' }, rules: WalkRules): AsyncGenerator<Found> {
  const cwd = folderOf(operand)
  const names = await glob(operand.pattern, { cwd, ignore: ['**/node_modules/**'], expandDirectories: false })
  for (const name of names.sort()) {
    const file = join(cwd, name)
    const skipped = [...rules.skip].some(folder => file.startsWith(join(folder, '/')))
    if (!skipped && rules.wants(basename(name))) yield { file, name }
  }
}
