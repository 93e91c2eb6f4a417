import { hash } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
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
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Stamp, stampOf } from '../source/stamp.ts'
import type { AnswerKey } from './keys.ts'
import { type KnownHit, type KnownHits, openKnownHits } from './known-hits.ts'
import { entryFolder } from './layout.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const DIGEST = hash('sha256', PNG, 'hex')
const inAMinute = (): number => Date.now() + 60_000

let folder: string
let picture: string
let output: string
let list: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upscale-known-'))
  picture = join(folder, 'hero.png')
  list = join(folder, 'v1/known.txt')
  output = join(entryFolder(folder, 'outputs', DIGEST), 'hero-2x.png')
  writeFileSync(picture, PNG)
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, PNG)
})

const open = (): KnownHits => openKnownHits(folder, inAMinute)

const hitOf = (file: string): KnownHit => ({
  source: {
    file,
    name: 'hero.png',
    size: PNG.length,
    digest: DIGEST,
    format: 'png',
    width: 1,
    height: 1,
    lossless: true,
  },
  answerKey: DIGEST as AnswerKey,
  answer: DIGEST,
  output: {
    key: DIGEST,
    fileName: 'hero-2x.png',
    size: PNG.length,
    sha256: DIGEST,
    width: 2,
    height: 2,
    format: 'png',
    chosen: 'design',
  },
})

function stampAt(file: string): Stamp {
  const stamp = stampOf(file)
  if (stamp === undefined) throw new Error(`${file} has no stamp`)
  return stamp
}

function keep(known: KnownHits, file = picture, request = 'x2'): void {
  known.keep(request, hitOf(file), { source: stampAt(file), output: stampAt(output) })
}

/** What the next process finds, after one that found this. */
function foundLater(change: () => void = () => {}, request = 'x2'): string | undefined {
  const known = open()
  keep(known)
  known.save()
  change()
  return open().find(picture, request)?.file
}

/** Writes other bytes of the same length, and gives the file the time that it had. */
function rewriteUnseen(file: string): void {
  const { atime, mtime } = statSync(file)
  const bytes = readFileSync(file)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  writeFileSync(file, bytes)
  utimesSync(file, atime, mtime)
}

function replace(file: string): void {
  const other = join(folder, 'other.png')
  writeFileSync(other, PNG)
  renameSync(other, file)
}

describe('a hit', () => {
  it('is known in the next process', () => {
    expect(foundLater()).toBe(output)
    expect(open().find(picture, 'x2')).toMatchObject({ hit: hitOf(picture) })
  })

  it('is that of its request only', () => {
    expect(foundLater(undefined, 'x3')).toBeUndefined()
  })

  it.each<[string, () => void]>([
    ['its source was written to, though its size and time are as they were', () => rewriteUnseen(picture)],
    ['its source has a new name', () => linkSync(picture, join(folder, 'other.png'))],
    ['its source was replaced', () => replace(picture)],
    [
      'its source leads to another file',
      () => {
        const other = join(folder, 'other.png')
        writeFileSync(other, PNG)
        rmSync(picture)
        symlinkSync(other, picture)
      },
    ],
    ['its source is gone', () => rmSync(picture)],
    ['the finished file was damaged', () => rewriteUnseen(output)],
    ['the finished file was replaced', () => replace(output)],
    ['the finished file is gone', () => rmSync(output)],
  ])('is looked up again when %s', (_what, change) => {
    expect(foundLater(change)).toBeUndefined()
  })

  it('is looked up again when a file was changed a moment before: a second change may leave no trace', () => {
    const known = openKnownHits(folder)
    keep(known)
    known.save()
    expect(open().find(picture, 'x2')).toBeUndefined()
  })

  it.each(['source', 'output'] as const)(
    'is not kept when its %s changed between the look and the end of the reading',
    which => {
      const known = open()
      const stamps = { source: stampAt(picture), output: stampAt(output) }
      rewriteUnseen(which === 'source' ? picture : output)
      known.keep('x2', hitOf(picture), stamps)
      expect(known.find(picture, 'x2')).toBeUndefined()
    },
  )
})

describe('the list of known hits', () => {
  it('counts for nothing when a byte of it is wrong, or its end is missing', () => {
    expect(foundLater()).toBe(output)
    const whole = readFileSync(list, 'utf8')
    for (const text of [whole.replace('x2', 'x3'), whole.slice(0, -1), '', '\n', 'x'.repeat(100)]) {
      writeFileSync(list, text)
      expect(open().find(picture, 'x2')).toBeUndefined()
      expect(open().find(picture, 'x3')).toBeUndefined()
    }
  })

  it.each<[string, (line: string) => string]>([
    ['leads out of the cache', line => line.replace('hero-2x.png', '../../hero.png')],
    ['has a key that is none', line => line.replace(`${DIGEST}\thero-2x.png`, '..\thero-2x.png')],
    ['has an unknown format', line => line.replace('\tpng\t', '\texe\t')],
    ['has no size', line => line.replace(`\t${PNG.length}\t`, '\tlarge\t')],
    ['names a choice that is none', line => line.replace('design', '<script>')],
    ['ends too early', line => line.slice(0, line.lastIndexOf('\t'))],
    ['goes on', line => line.replace('\n', '\tmore\n')],
  ])('counts for nothing where a line %s, though the whole is sound', (_what, change) => {
    expect(foundLater()).toBe(output)
    const line = readFileSync(list, 'utf8').slice(65)
    const body = change(line)
    expect(body).not.toBe(line)
    writeFileSync(list, `${hash('sha256', body, 'hex')}\n${body}`)
    expect(open().find(picture, 'x2')).toBeUndefined()
  })

  it('has no line for a name that would break it', () => {
    const names = ['a\nb.png', 'a\tb.png']
    const known = open()
    for (const name of names) {
      writeFileSync(join(folder, name), PNG)
      keep(known, join(folder, name))
    }
    keep(known)
    known.save()
    expect(open().find(picture, 'x2')).toBeDefined()
    expect(names.map(name => open().find(join(folder, name), 'x2'))).toEqual([undefined, undefined])
  })

  it('lets lines go that nobody asks for any more', () => {
    const known = open()
    for (const name of ['a.png', 'b.png', 'c.png']) {
      writeFileSync(join(folder, name), PNG)
      keep(known, join(folder, name))
    }
    known.save()
    const later = open()
    keep(later)
    later.save()
    const lines = readFileSync(list, 'utf8')
    expect(lines).toContain('/hero.png')
    expect(lines).not.toContain('/a.png')
  })

  it('is no reason to stop where it can be neither read nor written', () => {
    const nowhere = openKnownHits(join(picture, 'cache'), inAMinute)
    nowhere.keep('x2', hitOf(picture), { source: stampAt(picture), output: stampAt(output) })
    nowhere.save()
    expect(nowhere.find(picture, 'x2')).toBeUndefined()
  })
})
