import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  entryBody,
  entryFolder,
  frame,
  keyOf,
  list,
  temporaryFolder,
  tornEntries,
  writeEntry,
} from '../test-support/fault-kit.ts'
import { type Cache, type CacheEvent, openCache } from './cache.ts'

const key = keyOf(1)
const bytes = Buffer.from('the bytes of a picture'.repeat(50))
const facts = {
  key,
  fileName: 'hero-2x.png',
  width: 64,
  height: 32,
  format: 'png',
  engine: 'resize',
  model: 'lanczos3',
} as const

interface Opened {
  readonly root: string
  readonly cache: Cache
  readonly events: CacheEvent[]
}

function open(tag = true, root = join(temporaryFolder(), 'cache')): Opened {
  const events: CacheEvent[] = []
  return { root, events, cache: openCache(root, { tag, onEvent: event => events.push(event) }) }
}

type Damage = (at: { readonly folder: string; readonly image: string; readonly facts: string }) => void

function replaceBy(make: (path: string) => void): (path: string) => void {
  return path => {
    rmSync(path, { recursive: true, force: true })
    make(path)
  }
}

function flip(path: string, at: number): void {
  const content = readFileSync(path)
  content[at] = content[at]! ^ 0x10
  writeFileSync(path, content)
}

const fifo = (path: string): void => void execFileSync('mkfifo', [path])
const loop = (path: string): void => symlinkSync(path, path)

/** Damage that shows in the image alone, so that peek doesn't see it. */
const IMAGE_DAMAGE: Readonly<Record<string, Damage>> = {
  'a flipped bit in the image': at => flip(at.image, 100),
  'a flipped bit at the end of the image': at => flip(at.image, bytes.length - 1),
  'a truncated image': at => truncateSync(at.image, 500),
  'an empty image': at => truncateSync(at.image, 0),
  'an image with garbage behind it': at => appendFileSync(at.image, 'x'),
  'an image of the same size that is another': at => writeFileSync(at.image, Buffer.alloc(bytes.length, 'z')),
  'a missing image': at => rmSync(at.image),
  'a folder where the image should be': at => replaceBy(path => mkdirSync(path))(at.image),
  'a loop of links where the image should be': at => replaceBy(loop)(at.image),
  'a link to a device where the image should be': at =>
    replaceBy(path => symlinkSync('/dev/zero', path))(at.image),
  'a pipe where the image should be': at => replaceBy(fifo)(at.image),
}

const ENTRY_DAMAGE: Readonly<Record<string, Damage>> = {
  'a flipped bit in entry.json': at => flip(at.facts, 300),
  'a truncated entry.json': at => truncateSync(at.facts, 200),
  'an empty entry.json': at => truncateSync(at.facts, 0),
  'an entry.json with garbage behind it': at => appendFileSync(at.facts, '\0'),
  'an entry.json of 64 KB and more': at => appendFileSync(at.facts, ' '.repeat(70_000)),
  'an entry.json without end': at => replaceBy(path => symlinkSync('/dev/zero', path))(at.facts),
  'an entry.json that is not JSON': at => writeFileSync(at.facts, 'PNG'),
  'an entry.json of another key': at => writeFileSync(at.facts, frame(entryBody(keyOf('other'), bytes))),
  'an entry.json that points out of its folder': at =>
    writeFileSync(at.facts, frame({ ...entryBody(key, bytes), fileName: '../../../../secret.png' })),
  'a folder where entry.json should be': at => replaceBy(path => mkdirSync(path))(at.facts),
  'a loop of links where entry.json should be': at => replaceBy(loop)(at.facts),
  'a pipe where entry.json should be': at => replaceBy(fifo)(at.facts),
  'a file where the entry should be': at => replaceBy(path => writeFileSync(path, 'x'))(at.folder),
  'a loop of links where the entry should be': at => replaceBy(loop)(at.folder),
}

describe('damaged', () => {
  // Windows has no pipes and devices among its files, and asks for a privilege for links.
  const possible = ([name]: [string, Damage]): boolean =>
    process.platform !== 'win32' || !/link|pipe|without/.test(name)
  const inEntry = Object.entries(ENTRY_DAMAGE).filter(possible)
  const everything = [...Object.entries(IMAGE_DAMAGE).filter(possible), ...inEntry]

  it.each(everything)(
    '%s is a miss, set aside, told once, and healed by storing again',
    async (_, damage) => {
      const { root, cache, events } = open()
      const at = writeEntry(root, key, bytes)
      damage(at)
      expect(await cache.find('outputs', key)).toBeUndefined()
      expect(await cache.find('outputs', key)).toBeUndefined()
      expect(events).toMatchObject([{ kind: 'quarantined', path: at.folder }])
      expect(list(join(root, 'quarantine'))).toHaveLength(1)
      await cache.commit('outputs', facts, bytes)
      expect((await cache.find('outputs', key))?.bytes).toEqual(bytes)
      expect(events).toHaveLength(1)
      expect(list(join(root, 'tmp'))).toEqual([])
    },
  )

  it.each(everything)('%s is healed by storing without looking first', async (_, damage) => {
    const { root, cache, events } = open()
    damage(writeEntry(root, key, bytes))
    await cache.commit('outputs', facts, bytes)
    expect((await cache.find('outputs', key))?.bytes).toEqual(bytes)
    expect(tornEntries(root, image => bytes.equals(image))).toEqual([])
    expect(events.map(event => event.kind)).toEqual(['quarantined'])
  })

  it.each(inEntry)('%s is seen by peek', async (_, damage) => {
    const { root, cache, events } = open()
    damage(writeEntry(root, key, bytes))
    expect(await cache.peek('outputs', key)).toBeUndefined()
    expect(events.map(event => event.kind)).toEqual(['quarantined'])
  })

  it('an entry moved to another key is a miss there', async () => {
    const { root, cache, events } = open()
    const { folder } = writeEntry(root, key, bytes)
    mkdirSync(dirname(entryFolder(root, keyOf(2))), { recursive: true })
    renameSync(folder, entryFolder(root, keyOf(2)))
    expect(await cache.find('outputs', keyOf(2))).toBeUndefined()
    expect(events).toHaveLength(1)
  })

  it('an entry without its entry.json is a miss, and healed by storing again', async () => {
    const { root, cache } = open()
    const at = writeEntry(root, key, bytes)
    rmSync(at.facts)
    expect(await cache.find('outputs', key)).toBeUndefined()
    await cache.commit('outputs', facts, bytes)
    expect((await cache.find('outputs', key))?.bytes).toEqual(bytes)
  })

  it('500 random mutations of image and entry.json never come back as a hit', async () => {
    const { root, cache } = open()
    let seed = 1
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    for (let round = 0; round < 500; round++) {
      const at = writeEntry(root, key, bytes)
      const victim = random(2) === 0 ? at.image : at.facts
      const content = readFileSync(victim)
      const place = random(content.length)
      if (random(4) === 0) truncateSync(victim, place)
      else writeFileSync(victim, content.fill(content[place]! ^ (1 + random(255)), place, place + 1))
      expect(await cache.find('outputs', key), `round ${round}`).toBeUndefined()
    }
  })
})

describe('newer', () => {
  it('is a miss that is left alone, by writers too', async () => {
    const { root, cache, events } = open()
    const at = writeEntry(root, key, bytes, { version: 2 })
    const before = readFileSync(at.facts)
    expect(await cache.find('outputs', key)).toBeUndefined()
    expect(await cache.peek('outputs', key)).toBeUndefined()
    expect(events.map(event => event.kind)).toEqual(['newer-format'])
    await expect(cache.commit('outputs', facts, bytes)).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE' })
    expect(readFileSync(at.facts)).toEqual(before)
    expect(list(join(root, 'quarantine'))).toEqual([])
  })

  it('holds for records as well', async () => {
    const { cache, events } = open()
    const file = cache.recordFile('sources', key)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, frame({ version: 2, key, something: 'else' }))
    expect(await cache.findRecord('sources', key)).toBeUndefined()
    expect(events.map(event => event.kind)).toEqual(['newer-format'])
    await expect(cache.commitRecord('sources', key, {})).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE' })
    expect(JSON.parse(readFileSync(file, 'utf8')).body.something).toBe('else')
  })
})

describe('records', () => {
  const damages: Readonly<Record<string, (file: string) => void>> = {
    'a flipped bit': file => flip(file, 150),
    'a cut': file => truncateSync(file, 20),
    'an empty file': file => truncateSync(file, 0),
    garbage: file => appendFileSync(file, '!'),
    'another key': file => writeFileSync(file, frame({ version: 1, key: keyOf(2), record: {} })),
    'a folder': replaceBy(path => mkdirSync(join(path, 'x'), { recursive: true })),
    'a loop of links': replaceBy(loop),
  }

  it.each(Object.entries(damages))('%s is a miss, set aside, and healed', async (_, damage) => {
    const { cache, events } = open()
    await cache.commitRecord('sources', key, { pay: 'a' })
    damage(cache.recordFile('sources', key))
    expect(await cache.findRecord('sources', key)).toBeUndefined()
    expect(events.map(event => event.kind)).toEqual(['quarantined'])
    await cache.commitRecord('sources', key, { pay: 'a' })
    expect(await cache.findRecord('sources', key)).toEqual({ pay: 'a' })
  })

  it.each(Object.entries(damages))('%s is healed by storing without looking first', async (_, damage) => {
    const { cache } = open()
    await cache.commitRecord('sources', key, { pay: 'a' })
    damage(cache.recordFile('sources', key))
    await cache.commitRecord('sources', key, { pay: 'b' })
    expect(await cache.findRecord('sources', key)).toEqual({ pay: 'b' })
  })
})
