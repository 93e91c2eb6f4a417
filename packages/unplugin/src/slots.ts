import { hash, randomUUID } from 'node:crypto'
import { linkSync, mkdirSync } from 'node:fs'
import { copyFile, link, mkdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { UpscaledImage, UpscaleRequest } from 'upscale-core'
import { digestOf, discard, renamePatiently, stampOf, whileThere } from 'upscale-core/internal'
import { fileState } from './file-state.ts'
import { isFile } from './is-file.ts'
import { pathBeside } from './path-beside.ts'
import type { ProjectUpscaler } from './project-upscaler.ts'
import type { ReferenceSite } from './reference.ts'
import { queryOf } from './reference.ts'
import { createTakenNames } from './taken-names.ts'

/**
 * A slot is a file with a stable path for (source path, request), whose bytes are those of the finished picture. A
 * bundler that keeps the path of a resolved module from build to build then never holds an old picture, and keys in
 * its manifest don't change when an image is edited. The upscaler's cache, addressed by content, stays behind it.
 *
 * The bytes that ship are the checked ones: a slot is a second name (hard link) of the file that the upscaler has
 * checked, so "is it the same file" is the whole comparison. The cache never writes into a file it published.
 * Where links don't work the bytes are copied, and compared by digest before every use. A slot is replaced by one
 * rename, so a reader sees the old or the new picture, never half of one.
 */
export interface Slots {
  /**
   * Makes sure that the slot holds the picture of the source as it is now.
   * @throws UpscaleError
   */
  fill(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<Slot>
  /**
   * The slot of a picture that is known already, at once; undefined where {@link fill} has to work or the files are watched.
   * @throws UpscaleError
   */
  recall(source: string, request: UpscaleRequest, site: ReferenceSite): Slot | undefined
  /** Fills a slot again, by its path; nothing happens for a path that is none. */
  refresh(file: string): Promise<Slot | undefined>
  /** The slot whose file a path is. */
  at(path: string): Slot | undefined
  /** The slot that stands beside its source under a path. */
  beside(path: string): Slot | undefined
  /** Every slot filled so far. */
  all(): Iterable<Slot>
  /** Every source asked for so far, those that could not be upscaled among them. */
  sources(): Iterable<string>
  /** The sources that were asked for, and what they were then; empty for a build that runs once. */
  states(): Iterable<readonly [source: string, state: string]>
}

export interface Slot {
  /** Absolute, with forward slashes, as bundlers write ids. */
  readonly file: string
  /** The path beside the source, by which modules and rules about paths know the picture. */
  readonly beside: string
  readonly source: string
  readonly request: UpscaleRequest
  readonly site: ReferenceSite
  readonly image: UpscaledImage
}

/**
 * @param isWatching false for a build that runs once: a source is read once then, and edits during it don't count
 */
export function createSlots(
  projectUpscaler: Pick<ProjectUpscaler, 'options' | 'finish' | 'recall'>,
  isWatching: boolean,
): Slots {
  const { root } = projectUpscaler.options
  const folder = slotsFolder(root)
  const filled = new Map<string, { source: string; stamp: string; slot: Slot | Promise<Slot> }>()
  const placing = new Map<string, Promise<string>>()
  const slots = new Map<string, Slot>()
  const besides = new Map<string, Slot>()
  const sources = new Set<string>()
  const isTaken = isWatching ? isFile : createTakenNames()

  async function make(
    source: string,
    request: UpscaleRequest,
    site: ReferenceSite,
    query: string,
    key: string,
    stamp: string,
  ): Promise<Slot> {
    const image = await projectUpscaler.finish(source, request, site)
    // The source was edited meanwhile, and what it was made into then may be there already.
    const newest = filled.get(key)
    if (newest !== undefined && newest.stamp !== stamp) return newest.slot
    const ask = (): Promise<UpscaledImage> => projectUpscaler.finish(source, request, site)
    const file = await whileThere(image, ask, made => placeInTurn(made, key))
    return keep(file, source, request, site, image, query)
  }

  function keep(
    file: string,
    source: string,
    request: UpscaleRequest,
    site: ReferenceSite,
    image: UpscaledImage,
    query: string,
  ): Slot {
    const beside = pathBeside(source, basename(file), query, isTaken)
    const slot = { file: file.replaceAll('\\', '/'), beside, source, request, site, image }
    slots.set(slot.file, slot)
    besides.set(slot.beside, slot)
    return slot
  }

  function recall(source: string, request: UpscaleRequest, site: ReferenceSite): Slot | undefined {
    if (isWatching) return undefined
    const query = queryOf(request, projectUpscaler.options)
    const key = keyOf(source, query, root)
    if (filled.has(key)) return undefined
    const at = `${folder}${sep}${key}`
    const image = projectUpscaler.recall(source, request, site, at)
    if (image === undefined) return undefined
    sources.add(source)
    const slot = keep(`${at}${sep}${basename(image.file)}`, source, request, site, image, query)
    filled.set(key, { source, stamp: '', slot })
    return slot
  }

  /** The picture that was given first is there first, or that of an earlier edit would replace a newer one. */
  async function placeInTurn(image: UpscaledImage, key: string): Promise<string> {
    const before = placing.get(key)
    const turn = (async () => {
      await before?.catch(() => {})
      return place(image, join(folder, key))
    })()
    placing.set(key, turn)
    try {
      return await turn
    } finally {
      if (placing.get(key) === turn) placing.delete(key)
    }
  }

  async function fill(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<Slot> {
    sources.add(source)
    const query = queryOf(request, projectUpscaler.options)
    const key = keyOf(source, query, root)
    const stamp = isWatching ? fileState(source) : ''
    const known = filled.get(key)
    if (known !== undefined && known.stamp === stamp) return known.slot
    const slot = make(source, request, site, query, key, stamp)
    filled.set(key, { source, stamp, slot })
    // A failure is not kept: the same reference may work after the user repaired something else than the image.
    slot.catch(() => {
      if (filled.get(key)?.slot === slot) filled.delete(key)
    })
    return slot
  }

  return {
    fill,
    recall,
    async refresh(file) {
      const slot = slots.get(file)
      return slot && fill(slot.source, slot.request, slot.site)
    },
    at: path => slots.get(path),
    beside: path => besides.get(path),
    all: () => slots.values(),
    sources: () => sources.values(),
    *states() {
      if (isWatching) for (const { source, stamp } of filled.values()) yield [source, stamp]
    },
  }
}

/** In the project wherever the cache is, since bundlers and dev servers treat files outside of it in other ways. */
export function slotsFolder(root: string): string {
  return join(root, 'node_modules/.cache/upscale/slots')
}

/** The path depends on names only, not on content, and is the same in every checkout. */
function keyOf(source: string, query: string, root: string): string {
  // Most are inside, and a build may ask for thousands.
  const name = source.startsWith(root + sep) ? source.slice(root.length + 1) : relative(root, source)
  return hash('sha256', `${name.replaceAll('\\', '/')}?${query}`, 'hex').slice(0, 16)
}

/** @returns the slot's path; the picture's own where the folder can't be written */
async function place(image: UpscaledImage, folder: string): Promise<string> {
  const slot = join(folder, basename(image.file))
  if ((await isCurrent(slot, image)) || placeAtOnce(image, slot)) return slot
  const temporary = join(folder, `.${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true })
    await rm(temporary, { force: true })
    await link(image.file, temporary).catch(() => copyFile(image.file, temporary))
    await renamePatiently(temporary, slot)
    return slot
  } catch (error) {
    if (!isUnwritable(error)) throw error
    // The picture itself has a good name too. What is lost is the stable path, which only watch mode needs.
    return image.file
  } finally {
    // rename() leaves the old name behind when both are links to one file, which happens when two builds race.
    await discard(temporary)
  }
}

/**
 * A new slot is one link, which nobody sees half of, and waits for no disk.
 * @returns false where a slot is there, and where anything else is in the way
 */
function placeAtOnce(image: UpscaledImage, slot: string): boolean {
  try {
    mkdirSync(dirname(slot), { recursive: true })
    linkSync(image.file, slot)
    return true
  } catch {
    return false
  }
}

async function isCurrent(slot: string, image: UpscaledImage): Promise<boolean> {
  const held = stampOf(slot)
  if (held === undefined) return false
  // Two names of one file have the same stamp. Where files have no numbers, only the bytes can tell.
  if (held.isNumbered && held.text === stampOf(image.file)?.text) return true
  return (await digestOf(await readFile(slot))) === image.digest
}

function isUnwritable(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'ENOSPC'].includes(String(error.code))
  )
}
