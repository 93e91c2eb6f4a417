/*
 * Runs unit and boundary tests under every version of Node that is promised: the oldest, and the newest of each line. The
 * packages `node` on npm bring them. All by default, else those that the arguments name:
 *
 *     pnpm test:platforms
 *     pnpm test:platforms packages/core/src/cache test/bundlers/vite.test.ts
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const VERSIONS = ['20.19.0', '22', '24', '26']

const failed = VERSIONS.filter(version => !passesUnder(version, process.argv.slice(2)))
console.log(failed.length === 0 ? 'all passed' : `failed under Node ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

function passesUnder(version, names) {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-node-'))
  try {
    const install = ['install', '--prefix', folder, '--no-audit', '--no-fund', `node@${version}`]
    if (spawnSync('npm', install, { stdio: 'inherit' }).status !== 0) return false
    // Whatever the tests start finds this Node first.
    const path = join(folder, 'node_modules/node/bin')
    const env = { ...process.env, PATH: `${path}${delimiter}${process.env.PATH}` }
    const node = join(path, 'node')
    console.log(`\n=== Node ${spawnSync(node, ['--version']).stdout}`)
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--project', 'boundary']
    return spawnSync(node, [...vitest, ...names], { stdio: 'inherit', env }).status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
