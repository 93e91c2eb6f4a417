import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { FORMATS, type Format, UpscaleError } from 'upscale-core'
import { endsAs, extensionOf, isRasterName } from 'upscale-core/internal'
import { isPicturePath } from 'upscale-toolkit/references'
import { folded, foldsNames } from './name-folding.ts'
import { folderOf, type Operand } from './operands.ts'
import { createPlaces } from './places.ts'

export interface TargetFlags {
  readonly out?: string
  readonly suffix?: string
}

/** Decides where results go. */
export interface Targets {
  /** The output folder, absolute; undefined when results go beside their sources, or into one file. */
  readonly folder: string | undefined
  /**
   * The file for a result.
   * @throws UpscaleError BAD_OPTION for a result that would overwrite a source, or another result of this run
   */
  fileFor(source: string, name: string, format: Format): string
}

/**
 * @throws UpscaleError BAD_OPTION when results would land on their sources
 */
export function createTargets(operands: readonly Operand[], flags: TargetFlags, cwd: string): Targets {
  const suffix = readSuffix(flags.suffix ?? '')
  const out = flags.out === undefined ? undefined : resolve(cwd, flags.out)
  const single = out !== undefined && isSingle(operands) && isRasterName(out) ? out : undefined
  if (out === undefined && suffix === '') {
    throw new UpscaleError('BAD_OPTION', 'neither --out nor --suffix says where the results go', {
      hint: 'add --out dist/images, or --suffix @2x to write them beside their sources',
    })
  }
  if (out !== undefined && isSingle(operands) && isPicturePath(out) && !isRasterName(out)) {
    throw new UpscaleError('BAD_OPTION', `the result can't be written as ${basename(out)}`, {
      hint: `name a file that ends in ${FORMATS.map(format => `.${extensionOf(format)}`).join(', ')}, or a folder`,
    })
  }
  const clash =
    suffix === '' && operands.find(operand => operand.kind !== 'file' && folderOf(operand) === out)
  if (clash) {
    throw new UpscaleError('BAD_OPTION', `the results would overwrite their sources in ${clash.path}`, {
      hint: 'choose another folder with --out, or add --suffix @2x',
    })
  }
  const named = operands.flatMap(({ kind, path }) => (kind === 'file' ? [path] : []))
  const placesNamed = new Set(named.map(path => folded(realOf(path))))
  const places = createPlaces()
  const folding = new Map<string, boolean>()

  /** A place as its file system knows it. */
  function nameIn(file: string): string {
    const folder = out ?? dirname(file)
    const folds = folding.get(folder) ?? foldsNames(folder)
    folding.set(folder, folds)
    return folds ? folded(file) : file
  }

  return {
    folder: single === undefined ? out : undefined,
    fileFor(source, name, format) {
      const file =
        single ??
        join(out ?? dirname(source), out === undefined ? '' : dirname(name), nameFor(name, suffix, format))
      const isNamed = placesNamed.has(folded(realOf(file))) && named.some(path => isOneFile(file, path))
      if (isNamed || isOneFile(file, source)) {
        throw new UpscaleError('BAD_OPTION', `the result would overwrite the source ${file}`, {
          hint: 'choose another --out, or add --suffix @2x',
          file: source,
        })
      }
      const other = places.take(single === undefined ? nameIn(file) : file, source)
      if (other !== source) {
        throw new UpscaleError(
          'BAD_OPTION',
          `the results of this picture and of ${other} would both be ${file}`,
          {
            hint: 'rename one of them, or write them into different folders',
            file: source,
          },
        )
      }
      return file
    },
  }
}

/** The extension is kept as long as it tells the truth: `.jpeg` stays, a PNG that is called `.jpg` becomes `.png`. */
function nameFor(name: string, suffix: string, format: Format): string {
  const written = extname(name)
  const extension = endsAs(name, format) ? written : `.${extensionOf(format)}`
  return `${basename(name, written)}${suffix}${extension}`
}

function isSingle(operands: readonly Operand[]): boolean {
  return operands.length === 1 && operands[0]?.kind === 'file'
}

function readSuffix(suffix: string): string {
  if (!/[/\\\0]/.test(suffix) && suffix.length <= 40) return suffix
  throw new UpscaleError(
    'BAD_OPTION',
    `the suffix is ${JSON.stringify(suffix)}, expected a part of a file name`,
    {
      hint: 'write it like --suffix @2x',
    },
  )
}

/** True for two ways to write one place. Two names that were given to one file on purpose (hard links) are two places. */
function isOneFile(one: string, other: string): boolean {
  const [first, second] = [realOf(one), realOf(other)]
  if (first === second) return true
  return (
    folded(first) === folded(second) && inodeOf(first) !== undefined && inodeOf(first) === inodeOf(second)
  )
}

function inodeOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}

function realOf(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    // Not there yet, so it can be nobody's source.
    return path
  }
}
