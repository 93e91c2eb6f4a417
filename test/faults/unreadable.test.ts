import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  canTrace,
  isRootOnLinux,
  list,
  NEEDS_ROOT,
  temporaryFolder,
} from '../../packages/core/src/test-support/fault-kit.ts'
import { type Gateway, RESPONSES } from '../services/gateway/index.ts'
import { build, makeProject, openGateway, outcomes, pictures, startBuyer } from './kit.ts'

// A cache whose files are there and can't be read for a while, as on a network file system, and one that becomes
// unwritable in the middle of a build: what was paid for stays where it is, and is not paid for again.

let gateway: Gateway
beforeEach(async () => {
  gateway = await openGateway()
})

/** Files of the durable cache of a project whose path matches. */
function find(root: string, pattern: RegExp): string[] {
  return readdirSync(join(root, '.upscale'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => pattern.test(file))
}

describe.each(['ESTALE', 'EIO'])('a file that fails with %s', errno => {
  test.for([
    ['the picture of a paid answer', /answers\/.*answer\.png$/],
    ['the record of a paid answer', /answers\/.*entry\.json$/],
    ['the list of paid answers', /manifest\.json$/],
  ] as const)('%s: coded, left where it is, and not bought again', async ([, pattern], { skip }) => {
    if (!canTrace()) skip('needs strace')
    const root = await makeProject(1)
    const order = { root, url: gateway.url, images: ['0.png'] }
    await build(order)
    const files = find(root, pattern)
    expect(files).toHaveLength(1)
    // A finished file would be enough.
    rmSync(join(root, 'node_modules'), { recursive: true })
    const calls = 'open,openat,read,pread64,statx,stat,newfstatat'
    const child = startBuyer(order, [
      ...['strace', '-f', '-o', '/dev/null', ...files.flatMap(file => ['-P', file])],
      ...['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${errno}`],
    ])
    expect(await child.end, child.output()).toBe(0)
    expect(outcomes(child).get('0.png'), child.output()).toBe('CACHE_UNREADABLE')
    expect(child.output()).toContain(`could not read the cache: ${errno}: `)
    expect(find(root, /quarantine/)).toEqual([])
    expect((await build(order)).get('0.png')).toBe('cache')
    expect(gateway.charges).toHaveLength(1)
  })
})

test('a cache that becomes unwritable during a call loses no answer', async ({ skip }) => {
  if (!isRootOnLinux) skip(NEEDS_ROOT)
  const root = await makeProject(3)
  execFileSync('chmod', ['-R', 'a+rwX', root])
  const order = { root, url: gateway.url, images: pictures(3), options: { concurrency: 2 } }
  gateway.respondWith(async sale => {
    while (gateway.orders.length < 2) await sleep(5)
    execFileSync('chmod', ['-R', 'a-w', join(root, '.upscale')])
    return RESPONSES.ok(sale)
  })
  const refuge = temporaryFolder()
  const child = startBuyer(order, [`TMPDIR=${refuge}`, 'setpriv', '--reuid=65534', '--clear-groups'])
  expect(await child.end, child.output()).toBe(0)
  // The two under way are paid for; the third is not begun.
  expect([...outcomes(child).values()]).toEqual(pictures(3).map(() => 'CACHE_UNWRITABLE'))
  expect(gateway.charges).toHaveLength(2)
  const folders = list(refuge).filter(name => name.startsWith('upscale-answer-'))
  expect(folders).toHaveLength(2)
  execFileSync('chmod', ['-R', 'a+rwX', root])
  for (const folder of folders) {
    expect(child.output()).toContain(join(refuge, folder))
    cpSync(join(refuge, folder, 'v1'), join(root, '.upscale/v1'), { recursive: true })
  }
  expect([...(await build(order)).values()].sort()).toEqual(['cache', 'cache', 'engine'])
  expect(gateway.charges).toHaveLength(3)
})
