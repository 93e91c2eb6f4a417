import {
  linkSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { openSources } from '../source/source.ts'
import { openCache } from './cache.ts'
import { type KnownFiles, openKnownFiles } from './known-files.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const inAMinute = (): number => Date.now() + 60_000

let folder: string
let picture: string
let list: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upscale-known-'))
  picture = join(folder, 'hero.png')
  list = join(folder, 'v1/files.txt')
  writeFileSync(picture, PNG)
})

const open = (): KnownFiles => openKnownFiles(folder, inAMinute)

/** What the next process finds, after one that found this. */
function foundLater(change: () => void = () => {}): string | undefined {
  const known = open()
  known.glance(picture).keep('a picture')
  known.save()
  change()
  return open().glance(picture).found
}

/** Writes other bytes of the same length, and gives the file the time that it had. */
function rewriteUnseen(file: string): void {
  const { atime, mtime } = statSync(file)
  const bytes = readFileSync(file)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  writeFileSync(file, bytes)
  utimesSync(file, atime, mtime)
}

describe('a file that was read before', () => {
  it('is known in the next process', () => {
    expect(foundLater()).toBe('a picture')
  })

  it.each<[string, () => void]>([
    ['was written to, though its size and time are as they were', () => rewriteUnseen(picture)],
    ['has a new name', () => linkSync(picture, join(folder, 'other.png'))],
    [
      'was replaced by another one',
      () => {
        const other = join(folder, 'other.png')
        writeFileSync(other, PNG)
        renameSync(other, picture)
      },
    ],
    [
      'leads to another one',
      () => {
        const other = join(folder, 'other.png')
        writeFileSync(other, PNG)
        rmSync(picture)
        symlinkSync(other, picture)
      },
    ],
    ['is gone', () => rmSync(picture)],
  ])('is read again when it %s', (_what, change) => {
    expect(foundLater(change)).toBeUndefined()
  })

  it('is read again when it was changed a moment before: a second change may leave no trace', () => {
    const known = openKnownFiles(folder)
    known.glance(picture).keep('a picture')
    known.save()
    expect(open().glance(picture).found).toBeUndefined()
  })

  it('is read again when it changed between the glance and the end of the reading', () => {
    const known = open()
    const glance = known.glance(picture)
    rewriteUnseen(picture)
    glance.keep('a picture')
    expect(known.glance(picture).found).toBeUndefined()
  })
})

describe('the list of known files', () => {
  it('counts for nothing when a byte of it is wrong, or its end is missing', () => {
    expect(foundLater()).toBe('a picture')
    const whole = readFileSync(list, 'utf8')
    for (const text of [
      whole.replace('a picture', 'b picture'),
      whole.slice(0, -1),
      '',
      '\n',
      'x'.repeat(100),
    ]) {
      writeFileSync(list, text)
      expect(open().glance(picture).found).toBeUndefined()
    }
  })

  it('lets files go that nobody asks for any more', () => {
    const known = open()
    for (const name of ['a.png', 'b.png', 'c.png']) {
      writeFileSync(join(folder, name), PNG)
      known.glance(join(folder, name)).keep('old')
    }
    known.save()
    const later = open()
    later.glance(picture).keep('a picture')
    later.save()
    const lines = readFileSync(list, 'utf8')
    expect(lines).toContain('hero.png')
    expect(lines).not.toContain('a.png')
  })

  it('is no reason to stop where it can be neither read nor written', () => {
    const nowhere = join(picture, 'cache')
    const known = openKnownFiles(nowhere, inAMinute)
    known.glance(picture).keep('a picture')
    known.save()
    expect(openKnownFiles(nowhere, inAMinute).glance(picture).found).toBeUndefined()
  })
})

describe('who uses it', () => {
  it('a source is known by what was read of it, under the same limits, and read again after an edit', async () => {
    const limits = { root: folder, include: [], exclude: [], maxBytes: 1000 }
    const known = open()
    const first = await openSources(limits, known.glance).identify(picture)
    expect(known.glance(picture).found).toContain(first.digest)
    expect(await openSources(limits, known.glance).identify(picture)).toEqual(first)
    await expect(
      openSources({ ...limits, exclude: ['hero.png'] }, known.glance).identify(picture),
    ).rejects.toMatchObject({ code: 'SOURCE_OUTSIDE_ROOT' })
    const others = { ...limits, include: ['..'] }
    await openSources(others, known.glance).identify(picture)
    const found = known.glance(picture).found
    await openSources(others, known.glance).identify(picture)
    expect(known.glance(picture).found).toBe(found)
    expect(await openSources(limits, known.glance).identify(picture)).toEqual(first)
    expect(known.glance(picture).found).not.toBe(found)
    rewriteUnseen(picture)
    const edited = await openSources(limits, known.glance).identify(picture)
    expect(edited.digest).not.toBe(first.digest)
  })

  it('a finished picture that was damaged since is not taken for sound', async () => {
    const known = open()
    const cache = openCache(join(folder, 'cache'), { tag: true, onEvent: () => {}, glance: known.glance })
    const { facts, file } = await cache.commit(
      'outputs',
      {
        key: 'a'.repeat(64),
        fileName: 'hero-2x.png',
        width: 2,
        height: 2,
        format: 'png',
        engine: 'resize',
        model: 'lanczos3',
      },
      PNG,
    )
    expect(await cache.recheck('outputs', facts)).toEqual({ file, facts })
    expect(known.glance(file).found).toBe(facts.sha256)
    expect(await cache.recheck('outputs', facts)).toEqual({ file, facts })
    rewriteUnseen(file)
    expect(await cache.recheck('outputs', facts)).toBeUndefined()
  })
})
