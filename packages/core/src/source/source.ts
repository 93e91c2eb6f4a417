import { hash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, extname, relative, resolve, sep } from 'node:path'
import { type ErrorCode, UpscaleError } from '../errors.ts'
import type { Format } from './format.ts'
import { isInside } from './inside.ts'
import { nearestFile } from './nearest-file.ts'
import { inTurn, readInPieces, SMALL_BYTES } from './pieces.ts'
import { sniffFormat } from './sniff.ts'
import { type Stamp, stampFrom } from './stamp.ts'

/*
 * From a path to bytes that may be worked on.
 *
 * A path comes out of somebody's import, and what is read may be uploaded to a service. So only regular files whose
 * real path lies in the project are read. What this does not stop: a folder that is swapped for a link in the instant
 * between looking and opening, by someone who can already write to the project.
 *
 * For small files the calls are synchronous on purpose: every cached image of a build passes here, and the asynchronous
 * forms cost several times the work itself. Large ones are read piece by piece.
 */

/** What is known of a source once it was decoded, and kept beside its answers. */
export interface SourceFacts {
  /** Size in pixels, orientation applied. */
  readonly width: number
  readonly height: number
  /** True when the source's format may be lossy but this file is not. */
  readonly lossless: boolean
}

/** Which files may be read. */
export interface SourceLimits {
  /** The project's folder, absolute. */
  readonly root: string
  /** Files and folders that may be read although they lie outside `root` or in `node_modules`; relative to `root` or absolute. */
  readonly include: readonly string[]
  /** Files and folders that are never read, the same way; stronger than `include`. */
  readonly exclude: readonly string[]
  /** The largest file, in bytes. */
  readonly maxBytes: number
}

/** What is known of an image file without decoding it. */
export interface SourceFile {
  /** Absolute, as asked for, links not resolved. */
  readonly file: string
  /** For messages: relative to the root, with `/`. */
  readonly name: string
  /** The file's name without folder and extension, as written. */
  readonly stem: string
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the file's bytes, in hex. */
  readonly digest: string
  /** By the first bytes, not by the extension. */
  readonly format: Format
  /** The file as its bytes were read, where it can be known again by that. */
  readonly stamp?: Stamp | undefined
}

/** A file as it is on disk; nothing in it has been decoded. */
export interface SourceImage extends SourceFile {
  readonly bytes: Uint8Array
}

/** Reads image files, within the limits that need no decoder. */
export interface Sources {
  /**
   * Which file this is, for looking it up in a cache. Its bytes are read and let go.
   * @throws UpscaleError as {@link Sources.read} does
   */
  identify(file: string): Promise<SourceFile>
  /**
   * @throws UpscaleError SOURCE_NOT_FOUND, SOURCE_NOT_A_FILE, SOURCE_OUTSIDE_ROOT (also for `node_modules` and
   * `exclude`), SOURCE_UNREADABLE, SOURCE_TOO_LARGE, SOURCE_UNSUPPORTED, SOURCE_CORRUPT
   */
  read(file: string): Promise<SourceImage>
}

export function openSources(limits: SourceLimits): Sources {
  // One buffer for all small files that only have to be hashed: nothing waits in between, so that no two can meet in it.
  let page: Buffer | undefined
  // The root doesn't move during a build; asking once saves a system call for every image.
  let realRoot: string | undefined

  async function look(file: string, readContent: ReadContent): Promise<SourceImage> {
    const name = nameOf(file, limits.root)
    try {
      const real = realpathSync.native(file)
      realRoot ??= realOf(limits.root)
      refuseElsewhere(file, real, realRoot, limits)
      const read = () => readRegularFile(real, limits.maxBytes, readContent)
      const content = await (sizeOf(real) > SMALL_BYTES ? inTurn(read) : read())
      return { file, name, stem: basename(file, extname(file)), ...content }
    } catch (error) {
      if (error instanceof UpscaleError) throw error.at({ file: name })
      throw fromSystem(error).at({ file: name })
    }
  }

  return {
    async identify(file) {
      const { bytes: _letGo, ...facts } = await look(file, (handle, size) => {
        if (size > SMALL_BYTES) return readLarge(handle, size)
        page ??= Buffer.allocUnsafeSlow(SMALL_BYTES)
        return readSmall(handle, page.subarray(0, size))
      })
      return facts
    },
    read: file =>
      look(file, (handle, size) => {
        const bytes = Buffer.allocUnsafeSlow(size)
        return size > SMALL_BYTES ? readLarge(handle, size, bytes) : readSmall(handle, bytes)
      }),
  }
}

type Content = Pick<SourceImage, 'bytes' | 'size' | 'digest'>

/** Reads an open file that has `size` bytes. */
type ReadContent = (handle: number, size: number) => Content | Promise<Content>

function readSmall(handle: number, bytes: Buffer): Content {
  let size = 0
  for (let got = -1; size < bytes.length && got !== 0; size += got) {
    got = readSync(handle, bytes, size, bytes.length - size, null)
  }
  return { bytes, size, digest: hash('sha256', bytes, 'hex') }
}

/** @param into takes the bytes; without it only the first are returned */
async function readLarge(handle: number, whole: number, into?: Buffer): Promise<Content> {
  const { length: size, digest, head } = await readInPieces(handle, whole, into)
  return { bytes: into ?? head, size, digest }
}

/** What a file is called in messages: its path from the root, with `/`. */
export function nameOf(file: string, root: string): string {
  return relative(root, file).split(sep).join('/')
}

function refuseElsewhere(
  file: string,
  real: string,
  realRoot: string,
  { root, include, exclude }: SourceLimits,
): void {
  const isAt = (place: string): boolean => isInside(real, realOf(resolve(root, place)))
  const excluded = exclude.find(place => isAt(place) || isInside(file, resolve(root, place)))
  if (excluded !== undefined) {
    throw outside(`the file is excluded by "${excluded}"`, 'remove ?upscale, or change "exclude"')
  }
  const path = relative(realRoot, real)
  const inside = isInside(real, realRoot)
  if (inside && !path.split(sep).includes('node_modules')) return
  if (include.some(isAt)) return
  if (inside) {
    throw outside(
      'files in node_modules are not upscaled',
      'copy the image into the project, or list it in "include"',
    )
  }
  const via = resolve(file) === real ? '' : `, it leads to ${real}`
  throw outside(
    `the file is outside of the project's folder ${root}${via}`,
    'copy it into the project, or list it or its folder in "include"',
  )
}

const outside = (problem: string, hint: string): UpscaleError =>
  new UpscaleError('SOURCE_OUTSIDE_ROOT', problem, { hint })

/** The path with links resolved, or as it is when there is nothing there. */
function realOf(path: string): string {
  try {
    return realpathSync.native(path)
  } catch (error) {
    if (isSystemError(error)) return path
    throw error
  }
}

/** What is not a regular file is refused before it is opened, which could wait for ever. */
function sizeOf(real: string): number {
  const stats = statSync(real)
  refuseOther(stats)
  return stats.size
}

/** Never blocks: what was swapped for a FIFO since {@link sizeOf} is opened without waiting. */
async function readRegularFile(
  real: string,
  maxBytes: number,
  readContent: ReadContent,
): Promise<Content & Pick<SourceImage, 'format' | 'stamp'>> {
  const handle = openSync(
    real,
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0),
  )
  try {
    const before = fstatSync(handle, { bigint: true })
    refuseOther(before)
    if (before.size > maxBytes) {
      throw new UpscaleError(
        'SOURCE_TOO_LARGE',
        `the file has ${before.size} bytes, allowed are ${maxBytes}`,
        {
          hint: 'an image of this size needs no upscaling; if it does, save it compressed',
        },
      )
    }
    const reading = readContent(handle, Number(before.size))
    // What is there already is not waited for, or another file would be read into the same buffer meanwhile.
    const content = reading instanceof Promise ? await reading : reading
    const after = fstatSync(handle, { bigint: true })
    const isWhole = BigInt(content.size) === before.size && after.size === before.size
    if (!isWhole || after.mtimeNs !== before.mtimeNs) {
      throw new UpscaleError('SOURCE_UNREADABLE', 'the file changed while it was read', {
        hint: 'build again when whatever writes it is done',
      })
    }
    const stamp = stampFrom(before)
    const isSame = stamp?.text === stampFrom(after)?.text
    return { ...content, format: sniffFormat(content.bytes), stamp: isSame ? stamp : undefined }
  } finally {
    closeSync(handle)
  }
}

function refuseOther(stats: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isFIFO'>): void {
  if (stats.isFile()) return
  const kind = stats.isDirectory() ? 'a folder' : stats.isFIFO() ? 'a named pipe' : 'a device or socket'
  throw new UpscaleError('SOURCE_NOT_A_FILE', `this is ${kind}, not a file`, {
    hint: 'point to an image file',
  })
}

const SYSTEM_ERRORS: Readonly<Record<string, readonly [ErrorCode, problem: string, hint: string]>> = {
  ENOENT: ['SOURCE_NOT_FOUND', 'there is no such file', 'check the path, upper and lower case included'],
  ENOTDIR: [
    'SOURCE_NOT_FOUND',
    'there is no such file, a part of the path is not a folder',
    'check the path',
  ],
  ENAMETOOLONG: ['SOURCE_NOT_FOUND', 'there can be no such file, the path is too long', 'check the path'],
  ERR_INVALID_ARG_VALUE: [
    'SOURCE_NOT_FOUND',
    'there can be no such file, the path has a zero byte',
    'check the path',
  ],
  ELOOP: ['SOURCE_UNREADABLE', 'links lead in a circle', 'repair the link'],
  EACCES: ['SOURCE_UNREADABLE', 'reading the file is not permitted', "change the file's permissions"],
  EPERM: ['SOURCE_UNREADABLE', 'reading the file is not permitted', "change the file's permissions"],
  EISDIR: ['SOURCE_NOT_A_FILE', 'this is a folder, not a file', 'point to an image file'],
  ENXIO: ['SOURCE_NOT_A_FILE', 'this is a device or socket, not a file', 'point to an image file'],
}

function fromSystem(error: unknown): UpscaleError {
  if (!isSystemError(error)) throw error
  const known = Object.hasOwn(SYSTEM_ERRORS, error.code) ? SYSTEM_ERRORS[error.code] : undefined
  const [code, problem, hint] = known ?? [
    'SOURCE_UNREADABLE',
    `reading failed (${error.code})`,
    'check the disk and try again',
  ]
  const near = error.code === 'ENOENT' && error.path !== undefined ? nearestFile(error.path) : undefined
  const meant = near === undefined ? '' : `did you mean ${JSON.stringify(near)}? Otherwise `
  return new UpscaleError(code, problem, { hint: meant + hint, cause: error })
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}
