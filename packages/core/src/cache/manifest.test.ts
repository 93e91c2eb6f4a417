import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { entryFolder, keyOf, sha256, temporaryFolder } from '../test-support/fault-kit.ts'
import { type Cache, type CacheEvent, openCache } from './cache.ts'
import { Manifest } from './manifest.ts'
import { parseManifest, printManifest } from './manifest-text.ts'

// Fault matrix, row 38.

let root: string
let file: string
let events: CacheEvent[]

beforeEach(() => {
  root = temporaryFolder()
  file = join(root, 'manifest.json')
  events = []
})

const BYTES = Buffer.from('an answer')
const LINE = { sha256: sha256('x'), engine: 'e', model: 'm', width: 64, height: 32 }

function open(folder = root): Cache {
  return openCache(folder, { tag: false, onEvent: event => events.push(event) })
}

async function store(cache: Cache, name: string, bytes: Uint8Array = BYTES): Promise<void> {
  const facts = {
    key: keyOf(name),
    fileName: 'answer.png',
    width: 64,
    height: 32,
    format: 'png',
    engine: 'service',
    model: 'model',
    boughtFor: `assets/${name}.png`,
  } as const
  await cache.commit('answers', facts, bytes)
}

function edit(change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')))
}

async function refusal(act: () => unknown): Promise<string> {
  try {
    await act()
  } catch (error) {
    expect(error).toMatchObject({ code: 'CACHE_UNREADABLE' })
    return String(error)
  }
  return expect.fail('nothing was refused')
}

describe('the list', () => {
  it('has a line for each answer, sorted, with what a review needs', async () => {
    await store(open(), 'b')
    await store(open(), 'a')
    const keys = [keyOf('a'), keyOf('b')].sort()
    const lines = readFileSync(file, 'utf8').split('\n')
    expect(lines.map(line => line.slice(0, 20))).toEqual([
      '{"manifest": 1',
      ...keys.map(key => `,"${key}`.slice(0, 20)),
      '}',
      '',
    ])
    expect(JSON.parse(readFileSync(file, 'utf8'))[keyOf('a')]).toEqual({
      sha256: sha256(BYTES),
      engine: 'service',
      model: 'model',
      width: 64,
      height: 32,
      source: 'assets/a.png',
    })
  })

  it('has no line for anything else, and a scratch root has no list', async () => {
    const facts = { fileName: 'a.png', width: 1, height: 1, format: 'png', engine: 'e', model: 'm' } as const
    await open().commit('received', { key: keyOf(1), ...facts }, BYTES)
    const scratch = temporaryFolder()
    const cache = openCache(scratch, { tag: true, onEvent: () => {} })
    await cache.commit('answers', { key: keyOf(1), ...facts }, BYTES)
    expect([existsSync(file), existsSync(join(scratch, 'manifest.json'))]).toEqual([false, false])
    expect(cache.listed(keyOf(1))).toBeUndefined()
  })

  it('takes what many store at once', async () => {
    const caches = [open(), open(), open()]
    const names = Array.from({ length: 30 }, (_, number) => String(number))
    await Promise.all(names.map((name, at) => store(caches[at % 3] as Cache, name)))
    for (const name of names) expect((await open().find('answers', keyOf(name)))?.facts.key).toBe(keyOf(name))
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(33)
  })

  it('is parsed once, and again when it was replaced', async () => {
    await store(open(), 'a')
    const manifest = new Manifest(root)
    const seen = manifest.lines()
    expect(manifest.lines()).toBe(seen)
    await store(open(), 'b')
    expect(manifest.lines()?.size).toBe(2)
  })

  it('merges by itself where two branches bought different pictures', () => {
    const [one, other] = [printManifest(new Map([['1'.repeat(64), LINE]])), printManifest(new Map())]
    expect(one.split('\n').filter(line => !other.split('\n').includes(line))).toHaveLength(1)
  })
})

describe('an answer', () => {
  it('with another digest than the listed one is refused, and stays where it is', async () => {
    await store(open(), 'a')
    edit(text => text.replace(sha256(BYTES), sha256('other')))
    const cache = open()
    expect(await refusal(() => cache.find('answers', keyOf('a')))).toMatch(/another answer.*version control/s)
    await refusal(() => cache.peek('answers', keyOf('a')))
    await expect(store(cache, 'a')).rejects.toMatchObject({ code: 'CACHE_UNREADABLE' })
    expect(existsSync(entryFolder(root, keyOf('a'), 'answers'))).toBe(true)
  })

  it('that was exchanged for another whole one is refused', async () => {
    await store(open(), 'a')
    const shared = temporaryFolder()
    await store(open(shared), 'a', Buffer.from('something planted'))
    const folder = entryFolder(root, keyOf('a'), 'answers')
    rmSync(folder, { recursive: true })
    cpSync(entryFolder(shared, keyOf('a'), 'answers'), folder, { recursive: true })
    await refusal(() => open().find('answers', keyOf('a')))
  })

  it('that is not listed is refused with the line that would list it', async () => {
    await store(open(), 'a')
    await store(open(), 'b')
    edit(text =>
      text
        .split('\n')
        .filter(line => !line.includes(keyOf('b')))
        .join('\n'),
    )
    const [, line = ''] = /add (,".*)$/m.exec(await refusal(() => open().find('answers', keyOf('b')))) ?? []
    edit(text => text.replace(/\}\n$/, `${line}\n}\n`))
    expect((await open().find('answers', keyOf('b')))?.bytes).toEqual(BYTES)
  })

  it('is used without a list, with a notice; the next one that is stored begins a list of all', async () => {
    await store(open(), 'a')
    rmSync(file)
    const cache = open()
    expect((await cache.find('answers', keyOf('a')))?.bytes).toEqual(BYTES)
    expect(await cache.peek('answers', keyOf('a'))).toBeDefined()
    expect(events.map(({ kind }) => kind)).toEqual(['no-manifest'])
    await store(cache, 'b')
    const begun = parseManifest(readFileSync(file, 'utf8'))
    expect(typeof begun === 'string' ? begun : [...begun.keys()]).toEqual([keyOf('a'), keyOf('b')].sort())
  })
})

describe('a list that was', () => {
  it.each([
    ['given Windows line ends', (text: string) => text.replaceAll('\n', '\r\n')],
    ['formatted', (text: string) => JSON.stringify(JSON.parse(text), null, 2)],
    [
      'given a line too many',
      (text: string) => text.replace(/\}\n$/, `,"${keyOf('gone')}": ${JSON.stringify(LINE)}}\n`),
    ],
  ])('%s is as good', async (_, change) => {
    await store(open(), 'a')
    edit(change)
    expect((await open().find('answers', keyOf('a')))?.bytes).toEqual(BYTES)
    await store(open(), 'b')
    expect((await open().find('answers', keyOf('b')))?.bytes).toEqual(BYTES)
  })

  it.each([
    [
      'left with conflict markers',
      (text: string) => text.replace('\n,', '\n<<<<<<< HEAD\n,'),
      /merge-conflict markers \(line 2\)/,
    ],
    ['cut short', (text: string) => text.slice(0, 60), /not JSON/],
    ['emptied', () => '', /not JSON/],
    ['made a list', () => '[]', /not a JSON object/],
    ['written by a later version', () => '{"manifest": 2}', /later version/],
    [
      'given a line of nonsense',
      () => '{"manifest": 1, "__proto__": {"sha256": "x"}}',
      /can't be right: "__proto__"/,
    ],
    ['given half a digest', (text: string) => text.replace(sha256(BYTES), 'abc'), /can't be right/],
  ])('%s is refused in words, for hits and for stores, and not touched', async (_, change, words) => {
    await store(open(), 'a')
    edit(change)
    const before = readFileSync(file, 'utf8')
    expect(await refusal(() => open().find('answers', keyOf('a')))).toMatch(words)
    expect(await refusal(() => open().listed(keyOf('b')))).toMatch(words)
    await expect(store(open(), 'b')).rejects.toMatchObject({ code: 'CACHE_UNREADABLE' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('mutated in 2000 ways is read or refused, never a crash', () => {
    const text = printManifest(new Map(['1', '2', '3'].map(digit => [digit.repeat(64), LINE])))
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(text)
      const at = (round * 7919) % bytes.length
      if (round % 3 === 0) bytes[at] = round % 256
      const cut = round % 3 === 1 ? bytes.subarray(0, at) : bytes
      const result = parseManifest(cut.toString())
      expect(typeof result === 'string' ? 'refused' : result.size).toSatisfy(
        seen => seen === 'refused' || (typeof seen === 'number' && seen <= 4),
      )
    }
  })
})

describe('a large list', () => {
  const OTHERS = 2000
  let added: string

  beforeEach(() => {
    added = join(root, 'manifest.added')
    writeFileSync(file, printManifest(new Map(lines(OTHERS))))
  })

  function* lines(count: number): Generator<[string, typeof LINE]> {
    for (let number = 0; number < count; number++) yield [keyOf(`other ${number}`), LINE]
  }

  it('is not written for an answer: that is listed beside it, until the cache is closed', async () => {
    const before = readFileSync(file)
    const cache = open()
    await store(cache, 'a')
    await store(cache, 'b')
    expect(readFileSync(file)).toEqual(before)
    expect(readFileSync(added, 'utf8').split('\n')).toHaveLength(3)
    for (const name of ['a', 'b']) expect((await open().find('answers', keyOf(name)))?.bytes).toEqual(BYTES)
    await cache.close()
    expect(existsSync(added)).toBe(false)
    const text = readFileSync(file, 'utf8')
    const read = parseManifest(text)
    expect(typeof read === 'string' ? read : read.size).toBe(OTHERS + 2)
    expect(typeof read === 'string' ? read : printManifest(read)).toBe(text)
    expect(open().listed(keyOf('other 7'))).toEqual(LINE)
    expect(open().listed(keyOf('never'))).toBeUndefined()
  })

  it('is the same when it is read in pieces', async () => {
    writeFileSync(file, printManifest(new Map(lines(6000))))
    const manifest = new Manifest(root)
    await manifest.read()
    expect(manifest.read()).toBeUndefined()
    const inPieces = manifest.lines()
    expect(inPieces?.size).toBe(6000)
    for (const [key] of lines(6000)) expect(inPieces?.get(key)).toEqual(LINE)
    edit(text => text.replace(',"', '\n,"'))
    await manifest.read()
    expect(manifest.lines()?.size).toBe(6000)
    edit(text => text.slice(0, -1000))
    await manifest.read()
    expect(await refusal(() => manifest.lines())).toMatch(/not JSON/)
  })

  it('is one again before what is beside it is long', async () => {
    const cache = open()
    const names = Array.from({ length: 20 }, (_, number) => `new ${number}`)
    await Promise.all(names.map(name => store(cache, name)))
    const many = new Map([...lines(1000)].map(([, line], number) => [keyOf(`more ${number}`), line]))
    writeFileSync(added, printManifest(many).split('\n').slice(1, -2).join('\n').concat('\n'), { flag: 'a' })
    await store(open(), 'last')
    expect(existsSync(added)).toBe(false)
    for (const name of ['new 1', 'new 19', 'last'])
      expect((await open().find('answers', keyOf(name)))?.bytes).toEqual(BYTES)
    expect(open().listed(keyOf('more 999'))).toEqual(LINE)
  })

  it('takes what many store at once', async () => {
    const caches = [open(), open(), open()]
    const names = Array.from({ length: 30 }, (_, number) => String(number))
    await Promise.all(names.map((name, at) => store(caches[at % 3] as Cache, name)))
    await Promise.all(caches.map(cache => cache.close()))
    for (const name of names) expect((await open().find('answers', keyOf(name)))?.facts.key).toBe(keyOf(name))
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(OTHERS + 33)
  })

  it('with half a line beside it, of a build that died, has that line written again', async () => {
    await store(open(), 'a')
    writeFileSync(added, `,"${keyOf('b')}": {"sha2`, { flag: 'a' })
    expect((await open().find('answers', keyOf('a')))?.bytes).toEqual(BYTES)
    await store(open(), 'b')
    const cache = open()
    expect((await cache.find('answers', keyOf('b')))?.bytes).toEqual(BYTES)
    await cache.close()
    expect(cache.listed(keyOf('a'))?.sha256).toBe(sha256(BYTES))
  })

  it('that is no longer sorted is read all the same', async () => {
    edit(text => {
      const [head, first, ...rest] = text.split('\n')
      return [head, ...rest.slice(0, -2), first, '}', ''].join('\n')
    })
    expect(open().listed(keyOf('other 7'))).toEqual(LINE)
    const cache = open()
    await store(cache, 'a')
    await cache.close()
    const keys = [...readFileSync(file, 'utf8').matchAll(/^,"(\w+)"/gm)].map(([, key]) => key)
    expect(keys).toEqual([...keys].sort())
    expect(keys).toHaveLength(OTHERS + 1)
  })

  it.each([
    ['conflict markers beside it', () => '<<<<<<< HEAD\n', /manifest\.added.*merge-conflict markers/s],
    ['nonsense beside it', () => ',"abc": {}\n', /manifest\.added.*can't be right/s],
  ])('with %s is refused', async (_, addition, words) => {
    writeFileSync(added, addition())
    expect(await refusal(() => open().listed(keyOf('a')))).toMatch(words)
    await expect(store(open(), 'a')).rejects.toMatchObject({ code: 'CACHE_UNREADABLE' })
  })

  it('with a line that can’t be right refuses that picture', async () => {
    edit(text => text.replace(`,"${keyOf('other 7')}": {"sha256":"`, `,"${keyOf('other 7')}": {"sha256":"x`))
    expect(await refusal(() => open().listed(keyOf('other 7')))).toMatch(/can't be right/)
    expect(open().listed(keyOf('other 8'))).toEqual(LINE)
  })
})
