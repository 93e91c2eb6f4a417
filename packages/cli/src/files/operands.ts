import { statSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { isDynamicPattern } from 'tinyglobby'
import { UpscaleError } from 'upscale-core'

/** What was named on the command line. Paths are absolute. */
export type Operand =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string }
  /** `path` is the folder before the first wildcard. */
  | { readonly kind: 'glob'; readonly path: string; readonly pattern: string }

/**
 * Finds out what each argument is. A name that exists is taken as it stands, so that `photo[1].png` is a file.
 * @throws UpscaleError SOURCE_NOT_FOUND, SOURCE_UNREADABLE
 */
export function readOperands(args: readonly string[], cwd: string): Operand[] {
  return args.map(arg => {
    const path = resolve(cwd, arg)
    const found = look(path, arg)
    if (found?.isDirectory()) return { kind: 'folder', path }
    if (found !== undefined) return { kind: 'file', path }
    // Elsewhere a backslash makes a wildcard an ordinary character.
    const pattern = arg.split(sep).join('/')
    if (isDynamicPattern(pattern)) return globOperand(pattern, cwd)
    throw new UpscaleError('SOURCE_NOT_FOUND', 'there is no such file or folder', {
      hint: 'check the path, or quote a pattern; "upscale --help" lists the commands',
      file: arg,
    })
  })
}

/** Where an operand's pictures are mirrored from, and what the upscaler must be allowed to read. */
export function folderOf(operand: Operand): string {
  return operand.kind === 'file' ? dirname(operand.path) : operand.path
}

/** A path for people: relative to the working folder where that is shorter. */
export function shownPath(path: string, cwd: string): string {
  const near = relative(cwd, path)
  return (near === '' ? basename(path) : near.startsWith('..') ? path : near).replaceAll('\\', '/')
}

function look(path: string, arg: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('SOURCE_UNREADABLE', reason, { hint: 'check the path', file: arg, cause })
  }
}

function globOperand(pattern: string, cwd: string): Operand {
  const parts = pattern.split('/')
  const first = parts.findIndex(part => isDynamicPattern(part))
  const fixed = parts.slice(0, first).join('/')
  // With its slash, since `C:` alone is where that drive's working folder is.
  const base = resolve(cwd, isAbsolute(pattern) ? `${fixed}/` : fixed)
  return { kind: 'glob', path: base, pattern: parts.slice(first).join('/') }
}
