import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  cacheScript,
  canTrace,
  compile,
  entryFolder,
  isPicture,
  isRootOnLinux,
  keyOf,
  list,
  mountTmpfs,
  NEEDS_ROOT,
  startChild,
  storeHere,
  temporaryFolder,
  tornEntries,
  writeEntry,
} from '../test-support/fault-kit.ts'
import { openCache } from './cache.ts'

let compiled: string
beforeAll(() => {
  compiled = compile()
})
afterAll(() => rmSync(compiled, { recursive: true, force: true }))

describe('a failing disk', () => {
  it.for(['fsync', 'rename', 'mkdir'])(
    'an I/O error of %s is a coded error, and nothing is published',
    async (call, { skip }) => {
      if (!canTrace()) skip('needs strace')
      const root = temporaryFolder()
      writeEntry(root, keyOf(2), Buffer.from('kept'))
      const wrapper = ['strace', '-f', '-o', '/dev/null', '-e', `inject=${call}:error=EIO`]
      const child = startChild(
        cacheScript(
          compiled,
          "await store(1, 1000); say((await cache.find('outputs', keyOf(2))).bytes)",
          'durable',
        ),
        [root],
        wrapper,
      )
      expect(await child.end).toBe(0)
      expect(child.output()).toContain('failed 1 CACHE_UNWRITABLE EIO')
      expect(child.output()).toContain('kept')
      expect(existsSync(entryFolder(root, keyOf(1)))).toBe(false)
    },
  )

  it('an image that cannot be read is a miss that stays in place', async ({ skip }) => {
    if (!canTrace()) skip('needs strace')
    const root = temporaryFolder()
    const { folder, image } = writeEntry(root, keyOf(1), Buffer.alloc(70_000))
    const wrapper = ['strace', '-f', '-o', '/dev/null', '-P', image, '-e', 'inject=read,pread64:error=EIO']
    const child = startChild(
      cacheScript(compiled, "say(await cache.find('outputs', keyOf(1)))"),
      [root],
      wrapper,
    )
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('events unreadable')
    expect(existsSync(folder)).toBe(true)
  })

  it('a full disk is a coded error that says what to do, leaves nothing, and reads go on', async ({
    skip,
  }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = mountTmpfs('size=1m')
    const body =
      "await store(1, 500_000); await store(2, 600_000); say('read', (await cache.find('outputs', keyOf(1)))?.bytes.length)"
    const child = startChild(cacheScript(compiled, body), [root])
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('stored 1')
    expect(child.output()).toMatch(/failed 2 CACHE_UNWRITABLE ENOSPC .*free some space/)
    expect(child.output()).toContain(root)
    expect(child.output()).toContain('read 500000')
    expect(list(join(root, 'tmp'))).toEqual([])
    expect(tornEntries(root, isPicture)).toEqual([])
  })

  it('a disk out of inodes is the same', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = mountTmpfs('size=4m,nr_inodes=12')
    const child = startChild(
      cacheScript(compiled, 'await store(1, 1000); await store(2, 1000); await store(3, 1000)'),
      [root],
    )
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('stored 1')
    expect(child.output()).toContain('failed 3 CACHE_UNWRITABLE ENOSPC')
    expect(list(join(root, 'tmp'))).toEqual([])
    expect(tornEntries(root, isPicture)).toEqual([])
  })

  it('a limit of file sizes is a coded error, not a signal', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = temporaryFolder()
    const child = startChild(
      cacheScript(compiled, 'await store(1, 500_000)'),
      [root],
      ['prlimit', '--fsize=100000'],
    )
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('failed 1 CACHE_UNWRITABLE EFBIG')
    expect(tornEntries(root, isPicture)).toEqual([])
  })

  it('a target held busy for a moment is waited for', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = temporaryFolder()
    const folder = entryFolder(root, keyOf(1))
    mkdirSync(folder, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder])
    setTimeout(() => execFileSync('umount', [folder]), 300)
    await storeHere(root)
  })
})

describe('a power cut', () => {
  it('finds everything synced before the rename, and the rename synced before the commit returns', async ({
    skip,
  }) => {
    if (!canTrace()) skip('needs strace')
    const root = temporaryFolder()
    const trace = join(temporaryFolder(), 'trace')
    const wrapper = ['strace', '-f', '-y', '-o', trace, '-e', 'trace=fsync,rename,write']
    const child = startChild(cacheScript(compiled, 'await store(1, 1000)', 'durable'), [root], wrapper)
    expect(await child.end).toBe(0)
    const shelf = dirname(entryFolder(root, keyOf(1)))
    const steps = readFileSync(trace, 'utf8')
      .split('\n')
      .flatMap(line => /(fsync|rename)\(|"stored/.exec(line) && line.replace(/^\d+ +/, ''))
      .filter(line => line?.includes(root) || line?.includes('"stored'))
      .map(line =>
        line
          ?.replaceAll(root, '')
          .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uuid')
          .replace(/\d+</, '<'),
      )
    const start = steps.findIndex(step => step?.includes('hero-2x.png'))
    expect(
      steps
        .slice(start)
        .filter(step => !step?.startsWith('write(<pipe'))
        .map(step => step?.split(/[)=]/)[0]),
    ).toEqual([
      'fsync(</tmp/uuid/hero-2x.png>',
      'fsync(</tmp/uuid/entry.json>',
      'fsync(</tmp/uuid>',
      ...['/v1', '/v1/outputs', shelf.slice(root.length)].map(
        path => `fsync(<${dirname(path) === '/' ? '' : dirname(path)}>`,
      ),
      `rename("/tmp/uuid", "${shelf.slice(root.length)}/${keyOf(1)}"`,
      `fsync(<${shelf.slice(root.length)}>`,
      expect.stringContaining('write('),
    ])
  })
})

describe('no permission', () => {
  it('a read-only file system gives hits; storing is a coded error', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = mountTmpfs('size=1m')
    writeEntry(root, keyOf(1), Buffer.from('kept'))
    writeEntry(root, keyOf(2), Buffer.from('damaged'), { size: 1 })
    execFileSync('mount', ['-o', 'remount,ro', root])
    const body = `
      say((await cache.find('outputs', keyOf(1))).bytes)
      say(await cache.find('outputs', keyOf(2)), await cache.find('outputs', keyOf(2)))
      await store(3, 1000)
      await cache.probe().catch(error => say('probe', error.code))
      say(JSON.stringify(await cache.sweep()))`
    const child = startChild(cacheScript(compiled, body), [root])
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('kept')
    expect(child.output()).toMatch(/failed 3 CACHE_UNWRITABLE EROFS .*set `cacheDir`/)
    expect(child.output()).toContain('probe CACHE_UNWRITABLE')
    expect(child.output()).toContain('events unwritable\n')
  })

  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

  it('a folder of another user gives hits; storing is a coded error', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = mkdtempSync(join(temporaryFolder(), 'root-'))
    chmodSync(root, 0o755)
    writeEntry(root, keyOf(1), Buffer.from('kept'))
    chmodSync(writeEntry(root, keyOf(2), Buffer.from('secret')).image, 0o600)
    const body =
      "say((await cache.find('outputs', keyOf(1))).bytes); await cache.find('outputs', keyOf(2)); await store(3, 1000)"
    const child = startChild(cacheScript(compiled, body), [root], nobody)
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('kept')
    expect(child.output()).toMatch(/failed 3 CACHE_UNWRITABLE EACCES .*right to read and write/)
    expect(child.output()).toContain('events unreadable\n')
    expect(list(root)).toEqual(['v1'])
  })

  it('an unreadable entry of a durable root is an error, since a miss would have it bought again', async ({
    skip,
  }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = temporaryFolder()
    const { facts } = writeEntry(root, keyOf(1), Buffer.from('paid for'))
    chmodSync(facts, 0)
    const body = `
      const durable = openCache(root, { tag: false, onEvent: () => {} })
      try { say(await durable.find('outputs', keyOf(1))) } catch (error) { say(error.code, error.cause.code, error.message) }
      say('miss', await durable.find('outputs', keyOf(2)) === undefined)`
    const child = startChild(cacheScript(compiled, body), [root], nobody)
    expect(await child.end).toBe(0)
    expect(child.output()).toMatch(/^CACHE_UNREADABLE EACCES .*could not read the cache/)
    expect(child.output()).toContain('miss true')
  })

  it('an unreadable entry in a folder of our own is replaced by storing again', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = temporaryFolder()
    const { facts } = writeEntry(root, keyOf(1), Buffer.from('x'))
    execFileSync('chown', ['-R', '65534:65534', root])
    chmodSync(facts, 0)
    const body =
      "await cache.find('outputs', keyOf(1)); await store(1, 1000); say('read', (await cache.find('outputs', keyOf(1))).bytes.length)"
    const child = startChild(cacheScript(compiled, body), [root], nobody)
    expect(await child.end).toBe(0)
    expect(child.output()).toContain('read 1000')
    expect(child.output()).toContain('events unreadable,quarantined')
  })

  it('something else in the place of the cache is a coded error', async () => {
    const root = join(temporaryFolder(), 'file')
    writeFileSync(root, 'not a folder')
    const cache = openCache(root, { tag: true, onEvent: () => {} })
    expect(await cache.find('outputs', keyOf(1))).toBeUndefined()
    const error = await storeHere(root).catch(caught => caught)
    expect(error).toMatchObject({
      code: 'CACHE_UNWRITABLE',
      cause: { code: expect.stringMatching(/ENOTDIR|EEXIST/) },
    })
    expect(error.message).toContain(root)
  })
})

describe('no file descriptors', () => {
  it('left is waited for while storing, and a coded error when it lasts', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = temporaryFolder()
    const body = `
      import { closeSync, openSync } from 'node:fs'
      const taken = []
      try { for (;;) taken.push(openSync('/dev/null')) } catch {}
      setTimeout(() => { for (const each of taken.splice(0)) closeSync(each) }, 300)
      await store(1, 1000)
      try { for (;;) taken.push(openSync('/dev/null')) } catch {}
      await cache.find('outputs', keyOf(1))
      await store(2, 1000)
      await store(1, 1000)
      for (const each of taken) closeSync(each)
      say('read', (await cache.find('outputs', keyOf(1))).bytes.length)`
    const child = startChild(cacheScript(compiled, body), [root], ['prlimit', '--nofile=40'])
    expect(await child.end, child.output()).toBe(0)
    expect(child.output()).toContain('stored 1')
    expect(child.output()).toMatch(/failed 2 CACHE_UNWRITABLE EMFILE .*ulimit -n/)
    expect(child.output()).toContain('read 1000')
    expect(list(join(root, 'quarantine'))).toEqual([])
  })
})

describe('another file system', () => {
  it('under the place of an entry is a coded error', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = temporaryFolder()
    const key = keyOf(1)
    const shelf = join(root, 'v1', 'outputs', key.slice(0, 2))
    mkdirSync(shelf, { recursive: true })
    const other = mountTmpfs('size=1m')
    execFileSync('mount', ['--bind', other, shelf])
    try {
      await expect(storeHere(root)).rejects.toMatchObject({
        code: 'CACHE_UNWRITABLE',
        cause: { code: 'EXDEV' },
      })
      expect(list(join(root, 'tmp'))).toEqual([])
    } finally {
      execFileSync('umount', [shelf])
    }
  })
})
