import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('in kernel-bytes.ts is what assembly/ compiles to', async () => {
  const script = fileURLToPath(new URL('../../scripts/build-kernel.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--print'])
  expect(stdout).toBe(await readFile(new URL('kernel-bytes.ts', import.meta.url), 'utf8'))
})
