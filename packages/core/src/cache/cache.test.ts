import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  entryBody,
  entryFolder,
  frame,
  keyOf,
  list,
  sha256,
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

describe('valid', () => {
  it('finds what another writer of the layout put there', async () => {
    const { root, cache, events } = open()
    const { image } = writeEntry(root, key, bytes)
    const { version, ...expected } = entryBody(key, bytes)
    expect(version).toBe(1)
    expect(await cache.find('outputs', key)).toEqual({ file: image, facts: expected, bytes })
    expect(await cache.peek('outputs', key)).toEqual({ file: image, facts: expected })
    expect(events).toEqual([])
  })

  it('stores an image and finds it again, in another instance too', async () => {
    const { root, cache } = open()
    const entry = await cache.commit('outputs', facts, bytes)
    expect(entry.file).toBe(join(entryFolder(root, key), 'hero-2x.png'))
    expect(entry.facts).toMatchObject({ ...facts, size: bytes.length, sha256: sha256(bytes) })
    expect(await open(true, root).cache.find('outputs', key)).toEqual({ ...entry, bytes })
    expect(tornEntries(root, image => bytes.equals(image))).toEqual([])
    expect(list(join(root, 'tmp'))).toEqual([])
  })

  it('dates entries by the clock it was given', async () => {
    const cache = openCache(join(temporaryFolder(), 'x'), {
      tag: true,
      onEvent: () => {},
      now: () => new Date(0),
    })
    expect((await cache.commit('outputs', facts, bytes)).facts.createdAt).toBe('1970-01-01T00:00:00.000Z')
  })

  it('keeps shelves apart', async () => {
    const { cache } = open()
    await cache.commit('answers', facts, bytes)
    expect(await cache.find('outputs', key)).toBeUndefined()
    expect(await cache.find('answers', key)).toBeDefined()
  })

  it('keeps the first of two answers to a key, and says whose it is', async () => {
    const { cache } = open()
    const first = await cache.commit('answers', facts, bytes)
    expect(await cache.commit('answers', facts, Buffer.from('other'))).toEqual(first)
    expect((await cache.find('answers', key))?.bytes).toEqual(bytes)
  })

  it('returns bytes that own their memory', async () => {
    const { root, cache } = open()
    writeEntry(root, key, bytes)
    expect((await cache.find('outputs', key))?.bytes.buffer.byteLength).toBe(bytes.length)
  })

  it('removes an entry, and doing so twice is no error', async () => {
    const { root, cache } = open()
    await cache.commit('received', facts, bytes)
    await cache.remove('received', key)
    await cache.remove('received', key)
    expect(await cache.find('received', key)).toBeUndefined()
    expect(existsSync(entryFolder(root, key, 'received'))).toBe(false)
    expect(list(join(root, 'tmp'))).toEqual([])
  })

  it('probes without leaving anything, and refuses when there is too little room', async () => {
    const { root, cache } = open()
    await cache.probe()
    await cache.probe(1)
    expect(list(join(root, 'tmp'))).toEqual([])
    await expect(cache.probe(1e18)).rejects.toMatchObject({
      code: 'CACHE_UNWRITABLE',
      cause: { code: 'ENOSPC' },
    })
  })
})

describe('the folder', () => {
  it('is not created or touched by looking things up and by sweeping', async () => {
    const { root, cache, events } = open()
    expect(await cache.peek('outputs', key)).toBeUndefined()
    expect(await cache.find('answers', key)).toBeUndefined()
    expect(await cache.findRecord('sources', key)).toBeUndefined()
    expect(await cache.sweep()).toEqual({ removed: 0, kept: 0, failed: 0 })
    expect(existsSync(root)).toBe(false)
    expect(events).toEqual([])
  })

  it('gains nothing by a hit', async () => {
    const { root, cache } = open()
    writeEntry(root, key, bytes)
    await cache.find('outputs', key)
    expect(list(root)).toEqual(['v1'])
  })

  it('has a CACHEDIR.TAG where it may be deleted', async () => {
    const { root, cache } = open(true)
    await cache.commit('outputs', facts, bytes)
    expect(list(root).sort()).toEqual(['CACHEDIR.TAG', 'tmp', 'v1'])
    expect(readFileSync(join(root, 'CACHEDIR.TAG'), 'latin1')).toMatch(
      /^Signature: 8a477f597d28d172789f06886806bc55\n/,
    )
  })

  it('can be committed to git as it is where it may not', async () => {
    const project = temporaryFolder()
    const root = join(project, '.upscale')
    const { cache } = open(false, root)
    writeEntry(root, keyOf(2), Buffer.from('x'), { size: 2 })
    await cache.find('outputs', keyOf(2))
    await cache.commit('answers', facts, bytes)
    await cache.commitRecord('sources', key, { pay: key })
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: project, encoding: 'utf8' })
    git('init', '-q')
    git('config', 'core.autocrlf', 'true')
    git('add', '-A')
    git('-c', 'user.name=x', '-c', 'user.email=x@y.z', 'commit', '-qm', 'x')
    const tracked = git('ls-files').trim().split('\n')
    expect(tracked.map(name => dirname(name).split('/').slice(0, 3).join('/')).sort()).toEqual([
      '.upscale',
      '.upscale',
      '.upscale',
      '.upscale/v1/answers',
      '.upscale/v1/answers',
      '.upscale/v1/sources',
    ])
    rmSync(root, { recursive: true })
    git('checkout', '-q', '.')
    expect((await cache.find('answers', key))?.bytes).toEqual(bytes)
    expect(await cache.findRecord('sources', key)).toEqual({ pay: key })
  })

  it('keeps the marker files that somebody edited', async () => {
    const { root, cache } = open(false)
    mkdirSync(root)
    writeFileSync(join(root, '.gitignore'), '*\n')
    await cache.commit('answers', facts, bytes)
    expect(readFileSync(join(root, '.gitignore'), 'utf8')).toBe('*\n')
  })

  it('may vanish between two commits', async () => {
    const { root, cache } = open()
    await cache.commit('outputs', facts, bytes)
    rmSync(root, { recursive: true })
    expect(await cache.find('outputs', key)).toBeUndefined()
    await cache.commit('outputs', facts, bytes)
    expect((await cache.find('outputs', key))?.bytes).toEqual(bytes)
  })
})

describe('records', () => {
  it('are stored, found, and replaced', async () => {
    const { root, cache } = open()
    await cache.commitRecord('sources', key, { pay: 'a' })
    expect(await cache.findRecord('sources', key)).toEqual({ pay: 'a' })
    expect(readFileSync(join(root, 'v1/sources', key.slice(0, 2), `${key}.json`), 'utf8')).toBe(
      frame({ version: 1, key, record: { pay: 'a' } }),
    )
    await cache.commitRecord('sources', key, { pay: 'b' })
    expect(await cache.findRecord('sources', key)).toEqual({ pay: 'b' })
    expect(await cache.findRecord('refusals', key)).toBeUndefined()
    expect(list(join(root, 'tmp'))).toEqual([])
  })

  it('are removed, and doing so twice is no error', async () => {
    const { cache } = open()
    await cache.removeRecord('intents', key)
    await cache.commitRecord('intents', key, { at: 'now' })
    await cache.removeRecord('intents', key)
    await cache.removeRecord('intents', key)
    expect(await cache.findRecord('intents', key)).toBeUndefined()
  })

  it('are not written again when nothing changed', async () => {
    const { cache } = open()
    await cache.commitRecord('sources', key, { pay: 'a' })
    const { ino } = statSync(cache.recordFile('sources', key))
    await cache.commitRecord('sources', key, { pay: 'a' })
    expect(statSync(cache.recordFile('sources', key)).ino).toBe(ino)
  })
})

describe('misused', () => {
  it.each([
    '',
    'abc',
    '../../../etc/passwd',
    key.toUpperCase(),
    `${key}0`,
    `${key}\n`,
    `${key.slice(0, 63)}/`,
  ])('%j is not a key', async wrong => {
    const { root, cache } = open()
    await expect(cache.find('outputs', wrong)).rejects.toThrow(TypeError)
    await expect(cache.peek('outputs', wrong)).rejects.toThrow(TypeError)
    await expect(cache.findRecord('sources', wrong)).rejects.toThrow(TypeError)
    await expect(cache.commit('outputs', { ...facts, key: wrong }, bytes)).rejects.toThrow(TypeError)
    await expect(cache.commitRecord('sources', wrong, {})).rejects.toThrow(TypeError)
    expect(existsSync(root)).toBe(false)
  })

  it('nothing is stored that could not be read again', async () => {
    const { root, cache } = open()
    await expect(cache.commit('outputs', { ...facts, fileName: '../x.png' }, bytes)).rejects.toThrow(
      TypeError,
    )
    await expect(cache.commit('outputs', { ...facts, width: 0.5 }, bytes)).rejects.toThrow(TypeError)
    await expect(cache.commit('outputs', facts, new Uint8Array())).rejects.toThrow(TypeError)
    await expect(cache.commitRecord('sources', key, { x: 'x'.repeat(70_000) })).rejects.toThrow(TypeError)
    expect(existsSync(root)).toBe(false)
  })
})

describe('sweeping', () => {
  it('is what closing does where something was stored', async () => {
    const { root, cache } = open()
    const left = join(root, 'tmp', '00000000-0000-4000-8000-000000000000')
    mkdirSync(left, { recursive: true })
    utimesSync(left, new Date(0), new Date(0))
    await cache.close()
    expect(existsSync(left)).toBe(true)
    await cache.commit('outputs', facts, bytes)
    await cache.close()
    expect(existsSync(left)).toBe(false)
  })

  it('removes what is ours and older than an hour, and nothing else', async () => {
    const { root, cache } = open()
    await cache.commit('outputs', facts, bytes)
    const old = new Date(Date.now() - 3_700_000)
    const uuid = (digit: string): string =>
      '00000000-0000-4000-8000-00000000000x'.replaceAll('0', digit).replace('x', digit)
    const make = (path: string, time: Date): void => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, 'x')
      utimesSync(path, time, time)
    }
    make(join(root, 'tmp', uuid('1'), 'image.png'), old)
    utimesSync(join(root, 'tmp', uuid('1')), old, old)
    make(join(root, 'tmp', uuid('2')), old)
    make(join(root, 'locks', `${uuid('3')}.token`), old)
    make(join(root, 'locks', `${key}.lock`), old)
    make(join(root, 'tmp', 'notes.txt'), old)
    make(join(root, 'tmp', uuid('4')), new Date())
    make(join(root, 'tmp', uuid('5')), new Date(Date.now() + 1e9))
    expect(await cache.sweep()).toEqual({ removed: 3, kept: 2, failed: 0 })
    expect(list(join(root, 'tmp')).sort()).toEqual([uuid('4'), uuid('5'), 'notes.txt'])
    expect(list(join(root, 'locks'))).toEqual([`${key}.lock`])
    expect((await cache.find('outputs', key))?.bytes).toEqual(bytes)
  })
})
