import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { clientTypes } from '../../packages/unplugin/client-types.ts'

const require = createRequire(import.meta.url)
const project = fileURLToPath(new URL('./fixtures/types', import.meta.url))

/** What the compiler says about the fixture; nothing when all is well. */
async function check(version: string, folder: string, resolution: string): Promise<string> {
  const manifest = require.resolve(`${version}/package.json`)
  const { bin } = require(manifest) as { bin: { tsc: string } }
  const tsc = join(dirname(manifest), bin.tsc)
  const run = promisify(execFile)(process.execPath, [
    tsc,
    '-p',
    folder,
    '--module',
    resolution === 'bundler' ? 'ESNext' : resolution,
    '--moduleResolution',
    resolution,
  ])
  const { stdout } = await run.catch((error: { stdout: string }) => error)
  return stdout
}

test('the declaration files in the repository are those of the directive’s table', async () => {
  for (const [name, text] of clientTypes()) {
    const file = fileURLToPath(new URL(`../../packages/unplugin/${name}`, import.meta.url))
    expect(await readFile(file, 'utf8'), name).toBe(text)
  }
})

test.each([
  ['typescript', 'bundler'],
  ['typescript', 'node16'],
  ['typescript6', 'bundler'],
  ['typescript7', 'bundler'],
  ['typescript7', 'nodenext'],
])(
  'with %s and moduleResolution %s tagged imports have types beside those of vite/client',
  async (version, resolution) => {
    expect(await check(version, project, resolution)).toBe('')
  },
)

test.each(['bundler', 'node16'])(
  'the plugins have types for a config with moduleResolution %s',
  async resolution => {
    expect(await check('typescript', join(project, 'config'), resolution)).toBe('')
  },
)
