import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLedger } from '../billing/ledger.ts'
import { keyOf, temporaryFolder } from '../test-support/fault-kit.ts'
import { type Cache, openCache } from './cache.ts'
import { openHitJournal } from './hit-journal.ts'
import { openKnownHits } from './known-hits.ts'
import { hitsFile, knownHitsFile, ledgerFolder } from './layout.ts'
import { acquireLock } from './lock/lock.ts'

// A committed folder is as little to be trusted as a store: whoever writes it decides what kind each file is of. A test
// that reads a pipe would not end.

const FACTS = {
  key: keyOf(1),
  fileName: 'answer.png',
  width: 2,
  height: 2,
  format: 'png',
  engine: 'service',
  model: 'model',
} as const
const BYTES = Buffer.from('an answer')

const open = (root: string, frozen = false): Cache =>
  openCache(root, { tag: false, frozen, onEvent: () => {} })

async function thrownBy(act: () => unknown): Promise<unknown> {
  try {
    return await act()
  } catch (error) {
    return error
  }
}

const PIPE = (path: string): void => void execFileSync('mkfifo', [path])

const STRANGE: readonly [string, (path: string) => void][] = [
  ['a pipe', PIPE],
  ['a link to a device', path => symlinkSync('/dev/zero', path)],
  ['a folder', path => mkdirSync(path)],
  [
    'a giant file',
    path => {
      writeFileSync(path, '')
      truncateSync(path, 2 ** 40)
    },
  ],
]

describe.skipIf(process.platform === 'win32')('in the place of a file of ours', () => {
  it.each(STRANGE)('%s is no journal of hits', (_, make) => {
    const root = temporaryFolder()
    mkdirSync(dirname(hitsFile(root)), { recursive: true })
    make(hitsFile(root))
    expect(openHitJournal(root).find('key')).toBeUndefined()
  })

  it.each(STRANGE)('%s is no list of known hits', (_, make) => {
    const root = temporaryFolder()
    mkdirSync(dirname(knownHitsFile(root)), { recursive: true })
    make(knownHitsFile(root))
    expect(openKnownHits(root).find(import.meta.filename, 'any')).toBeUndefined()
  })

  it.each(STRANGE)('%s is no ledger, and named', async (_, make) => {
    const root = temporaryFolder()
    mkdirSync(ledgerFolder(root), { recursive: true })
    const file = join(ledgerFolder(root), '2026-01-01.jsonl')
    make(file)
    await expect(readLedger(root)).rejects.toMatchObject({ code: 'CACHE_UNREADABLE', details: { file } })
  })

  it.each(STRANGE)('%s is no intent, and doesn’t count as none', (_, make) => {
    const cache = open(temporaryFolder())
    const file = cache.recordFile('intents', keyOf(1))
    mkdirSync(dirname(file), { recursive: true })
    make(file)
    let state: string
    try {
      state = cache.seeRecord('intents', keyOf(1)).state
    } catch (error) {
      state = (error as { code: string }).code
    }
    expect(['unusable', 'CACHE_UNREADABLE']).toContain(state)
  })

  it.each(STRANGE)('%s is no lock that is waited for without end', async (_, make) => {
    const file = join(temporaryFolder(), 'locks', 'x.lock')
    mkdirSync(dirname(file))
    make(file)
    const { signal } = new AbortController()
    await expect(acquireLock(file, { signal, timeoutMs: 300 })).rejects.toHaveProperty('code')
  })
})

describe.skipIf(process.platform === 'win32')('a link in the place of', () => {
  it.each(['v1', 'v1/answers', 'v1/intents', 'v1/ledger', 'tmp', 'locks', 'quarantine'])(
    '%s is refused: nothing is read, written or removed where it leads',
    async name => {
      const root = temporaryFolder()
      const elsewhere = temporaryFolder()
      await open(elsewhere).commit('answers', FACTS, BYTES)
      const before = readdirSync(elsewhere, { recursive: true })
      mkdirSync(dirname(join(root, name)), { recursive: true })
      rmSync(join(root, name), { recursive: true, force: true })
      symlinkSync(join(elsewhere, name), join(root, name))
      const refused = { code: 'CACHE_UNREADABLE', details: { file: join(root, name) } }
      expect(await thrownBy(() => open(root).find('answers', keyOf(1)))).toMatchObject(refused)
      await expect(open(root).commit('answers', FACTS, BYTES)).rejects.toMatchObject(refused)
      await expect(open(root).probe()).rejects.toMatchObject(refused)
      await expect(readLedger(root)).rejects.toMatchObject(refused)
      expect(readdirSync(elsewhere, { recursive: true })).toEqual(before)
    },
  )

  it('the root itself is as good as a folder', async () => {
    const target = temporaryFolder()
    const root = join(temporaryFolder(), 'link')
    symlinkSync(target, root)
    await open(root).commit('answers', FACTS, BYTES)
    expect((await open(target).find('answers', keyOf(1)))?.bytes).toEqual(BYTES)
  })
})

describe('answers without their list', () => {
  it('are an error where the build is frozen, and a notice elsewhere', async () => {
    const root = temporaryFolder()
    await open(root).commit('answers', FACTS, BYTES)
    rmSync(join(root, 'manifest.json'))
    const missing = { code: 'CACHE_UNREADABLE', details: { file: join(root, 'manifest.json') } }
    expect(await thrownBy(() => open(root, true).find('answers', keyOf(1)))).toMatchObject(missing)
    expect(await thrownBy(() => open(root, true).peek('answers', keyOf(1)))).toMatchObject(missing)
    expect((await open(root).find('answers', keyOf(1)))?.bytes).toEqual(BYTES)
  })
})
