import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  canTrace,
  isRootOnLinux,
  list,
  mountTmpfs,
  NEEDS_ROOT,
  temporaryFolder,
} from '../../packages/core/src/test-support/fault-kit.ts'
import { type Gateway, RESPONSES } from '../services/gateway/index.ts'
import {
  build,
  entriesOn,
  makeFolder,
  makeProject,
  openGateway,
  outcomes,
  pictures,
  recordsOn,
  startBuyer,
} from './kit.ts'

let gateway: Gateway
beforeEach(async () => {
  gateway = await openGateway()
})

/** Fills a disk until nothing more goes on it, but for `leaveBytes`. Returns how to empty it again. */
function fill(folder: string, leaveBytes = 0): () => void {
  const file = join(folder, 'ballast')
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)))
  return () => unlinkSync(file)
}

/** A project whose durable cache is a small disk of its own. */
async function onSmallDisk(options: string) {
  const root = await makeProject(2)
  const cacheDir = mountTmpfs(options)
  const order = { root, url: gateway.url, images: ['0.png'], options: { cacheDir } }
  return { root, cacheDir, order }
}

describe('a disk without room for the answer', () => {
  // Row 6, before the call.
  test('is noticed before anything is ordered', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const { root, cacheDir, order } = await onSmallDisk('size=1m')
    // One whose answer needs more room than the files that are written before it is asked for.
    writeFileSync(join(root, '0.png'), await sharp(join(root, '0.png')).resize(64).png().toBuffer())
    const empty = fill(cacheDir, 16 * 4096)
    const child = startBuyer(order)
    expect(await child.end, child.output()).toBe(0)
    expect(child.output()).toMatch(/failed 0\.png CACHE_UNWRITABLE .*bytes are free.*free some space/)
    expect(gateway.orders).toEqual([])
    expect(child.output()).toContain('closed 0')
    empty()
    expect((await build(order)).get('0.png')).toBe('128 pixels')
    expect(gateway.charges).toHaveLength(1)
  })

  // Row 7.
  test('or without inodes, likewise', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const { order } = await onSmallDisk('size=4m,nr_inodes=5')
    const child = startBuyer(order)
    expect(await child.end, child.output()).toBe(0)
    expect(child.output()).toMatch(/failed 0\.png CACHE_UNWRITABLE .*ENOSPC/)
    expect(gateway.orders).toEqual([])
  })
})

describe('a disk that fills during the call', () => {
  // Rows 5 and 6.
  test('and stays full sends the answer to the temporary folder, from where the next build goes on', async ({
    skip,
  }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const { root, cacheDir, order } = await onSmallDisk('size=1m')
    const refuge = temporaryFolder()
    let empty = (): void => {}
    gateway.respondWith(sale => {
      empty = fill(cacheDir)
      return RESPONSES.ok(sale)
    })
    const child = startBuyer(order, [`TMPDIR=${refuge}`])
    expect(await child.end, child.output()).toBe(0)
    const [folder = expect.fail(child.output())] = list(refuge).filter(name =>
      name.startsWith('upscale-answer-'),
    )
    expect(child.output()).toContain(join(refuge, folder))
    expect(child.output()).toMatch(/failed 0\.png CACHE_UNWRITABLE .*paid for.*copy the folder/)
    expect(child.output()).toContain('closed 60000')

    empty()
    expect((await build(order)).get('0.png')).toBe('CALL_UNCERTAIN')
    cpSync(join(refuge, folder, 'v1'), join(cacheDir, 'v1'), { recursive: true })
    expect((await build(order)).get('0.png')).toBe('cache')
    expect(gateway.charges).toHaveLength(1)
    expect(recordsOn(root, 'intents')).toEqual([])
  })

  test('and is emptied soon keeps the answer after all', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const { cacheDir, order } = await onSmallDisk('size=1m')
    gateway.respondWith(sale => {
      setTimeout(fill(cacheDir), 600)
      return RESPONSES.ok(sale)
    })
    const child = startBuyer(order)
    expect(await child.end, child.output()).toBe(0)
    expect(child.output()).toContain('done 0.png engine')
    expect((await build(order)).get('0.png')).toBe('cache')
    expect(gateway.charges).toHaveLength(1)
  })
})

describe('a system call that fails while buying', () => {
  // Row 9. The call fails every time, so nothing can be kept, and nothing may be bought.
  test.for(['fsync', 'rename', 'link', 'mkdir'])(
    '%s with EIO: coded, and nothing is ordered',
    async (call, { skip }) => {
      if (!canTrace()) skip('needs strace')
      const root = await makeProject(1)
      makeFolder(root, 'node_modules', '.cache', 'upscale', 'tmp')
      const child = startBuyer({ root, url: gateway.url, images: ['0.png'] }, [
        ...['strace', '-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:error=EIO`],
      ])
      expect(await child.end, child.output()).toBe(0)
      expect(child.output()).toMatch(/failed 0\.png CACHE_UNWRITABLE .*EIO/)
      expect(gateway.orders).toEqual([])
    },
  )

  // Rows 3 and 9: wherever the disk begins to fail, the picture is paid for once or is in doubt.
  test('fsync with EIO from the n-th on: never a second payment', async ({ skip }) => {
    if (!canTrace()) skip('needs strace')
    let failures = 0
    for (let from = 1; from < 30; from += 2) {
      const root = await makeProject(1)
      const order = { root, url: gateway.url, images: ['0.png'] }
      const before = gateway.charges.length
      const inject = `inject=fsync,fdatasync:error=EIO:when=${from}+`
      const child = startBuyer(order, [
        'strace',
        '-f',
        '-o',
        '/dev/null',
        '-e',
        'trace=fsync,fdatasync',
        '-e',
        inject,
      ])
      expect(await child.end, child.output()).toBe(0)
      if (!child.output().includes('done 0.png')) {
        failures += 1
        expect(child.output()).toMatch(/failed 0\.png CACHE_UNWRITABLE/)
      }
      const cost = gateway.charges.length - before
      const next = (await build(order)).get('0.png')
      expect(['engine', 'cache', 'CALL_UNCERTAIN']).toContain(next)
      expect(gateway.charges.length - before).toBe(next === 'engine' ? 1 : cost)
      expect(cost).toBe(next === 'engine' ? 0 : 1)
    }
    expect(failures).toBeGreaterThan(3)
  })
})

// Row 9. What was paid for may well be sound, so nothing is bought in its place, whichever file it is.
test('a file of the cache that cannot be read, with EIO: coded, or the picture, and no second payment', async ({
  skip,
}) => {
  if (!canTrace()) skip('needs strace')
  const root = await makeProject(1)
  const order = { root, url: gateway.url, images: ['0.png'] }
  await build(order)
  rmSync(join(root, 'node_modules'), { recursive: true })
  const files = readdirSync(join(root, '.upscale'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.includes('locks'))
    .map(entry => join(entry.parentPath, entry.name))
  expect(files.length).toBeGreaterThan(5)
  const codes = new Set<string>()
  for (const file of files) {
    const child = startBuyer(order, [
      ...['strace', '-f', '-o', '/dev/null', '-P', file, '-e', 'trace=read,pread64'],
      ...['-e', 'inject=read,pread64:error=EIO'],
    ])
    expect(await child.end, child.output()).toBe(0)
    codes.add([...outcomes(child).values()].join())
    rmSync(join(root, 'node_modules'), { recursive: true, force: true })
  }
  expect([...codes].sort()).toEqual(['CACHE_UNREADABLE', 'done'])
  expect(gateway.charges).toHaveLength(1)
  expect((await build(order)).get('0.png')).toBe('cache')
})

describe('a durable cache that cannot be written', () => {
  // Row 11.
  test('gives its hits, and nothing is ordered for a miss', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const { cacheDir, order } = await onSmallDisk('size=8m')
    await build(order)
    execFileSync('mount', ['-o', 'remount,ro', cacheDir])
    rmSync(join(order.root, 'node_modules'), { recursive: true })
    const child = startBuyer({ ...order, images: pictures(2) })
    expect(await child.end, child.output()).toBe(0)
    expect(child.output()).toContain('done 0.png cache')
    expect(child.output()).toMatch(/failed 1\.png CACHE_UNWRITABLE .*read-only/)
    expect(gateway.orders).toHaveLength(1)
  })

  // Row 10.
  test('for want of permission, likewise', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const root = await makeProject(2)
    const order = { root, url: gateway.url, images: ['0.png'] }
    await build(order)
    execFileSync('chmod', ['-R', 'go-w,a+rX', join(root, '.upscale')])
    execFileSync('chmod', ['-R', 'a+rwX', join(root, 'node_modules')])
    const nobody = ['setpriv', '--reuid=65534', '--clear-groups']
    const child = startBuyer({ ...order, images: pictures(2) }, nobody)
    expect(await child.end, child.output()).toBe(0)
    expect(child.output()).toContain('done 0.png cache')
    expect(child.output()).toMatch(/failed 1\.png CACHE_UNWRITABLE .*right to read and write/)
    expect(gateway.orders).toHaveLength(1)
  })
})

// Row 16.
test('a durable cache that is deleted during the call takes the answer all the same', async () => {
  const root = await makeProject(1)
  gateway.respondWith(sale => {
    rmSync(join(root, '.upscale'), { recursive: true })
    return RESPONSES.ok(sale)
  })
  const order = { root, url: gateway.url, images: ['0.png'] }
  expect((await build(order)).get('0.png')).toBe('engine')
  expect((await build(order)).get('0.png')).toBe('cache')
  expect(entriesOn(root, 'answers')).toHaveLength(1)
  expect(gateway.charges).toHaveLength(1)
})

// Row 8: a short write reports success; what counts is the size that is there afterwards.
test('a write that the disk takes half of is never an entry', async ({ skip }) => {
  if (!isRootOnLinux) skip(NEEDS_ROOT)
  const { cacheDir, order } = await onSmallDisk('size=1m')
  let empty = (): void => {}
  gateway.respondWith(async sale => {
    const answer = await RESPONSES.ok(sale)
    empty = fill(cacheDir, 4096 + 600)
    return answer
  })
  const child = startBuyer(order, [`TMPDIR=${temporaryFolder()}`])
  expect(await child.end, child.output()).toBe(0)
  expect(child.output()).toMatch(/failed 0\.png CACHE_UNWRITABLE/)
  expect(list(join(cacheDir, 'v1', 'answers'))).toEqual([])
  // What came stays as it came: once there is room, the answer is read out of it and nothing is ordered again.
  expect(list(join(cacheDir, 'tmp')).filter(name => !name.endsWith('.response'))).toEqual([])
  expect(readFileSync(join(cacheDir, '.gitignore'), 'utf8')).toContain('/tmp/')
  empty()
  expect((await build(order)).get('0.png')).toBe('cache')
  expect(gateway.charges).toHaveLength(1)
})
