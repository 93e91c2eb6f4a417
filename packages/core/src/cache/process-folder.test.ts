import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { list, temporaryFolder } from '../test-support/fault-kit.ts'
import { processFolder, sweepProcessFolders } from './process-folder.ts'

afterEach(() => vi.unstubAllEnvs())

test('folders of processes that were killed are removed, and nothing else', async () => {
  const parent = temporaryFolder()
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, parent)
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const own = processFolder('server')
  const dead = (['server', 'work', 'stdin', 'watch'] as const).map(kind =>
    processFolder(kind).replace(`-${process.pid}-`, `-${child.pid}-`),
  )
  // What was paid for, and names that only look alike.
  const others = ['upscale-answer-Ab3dE6', `upscale-server-${child.pid}`, 'upscale-work-Ab3dE6'].map(name =>
    join(parent, name),
  )
  for (const folder of [own, ...dead, ...others]) {
    mkdirSync(folder)
    writeFileSync(join(folder, 'image'), 'bytes')
  }
  await sweepProcessFolders()
  expect(
    list(parent)
      .map(name => join(parent, name))
      .sort(),
  ).toEqual([own, ...others].sort())
})
