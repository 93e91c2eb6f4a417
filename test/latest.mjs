/*
 * Runs the tests of command lines with the versions that `npm install` gives today, beside those of the lock file:
 *
 *     pnpm test:latest
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const HOSTS = 'vite webpack webpack-cli @rspack/core @rspack/cli astro next react react-dom'.split(' ')

const folder = mkdtempSync(join(tmpdir(), 'upscale-latest-'))
try {
  const versions = HOSTS.map(name => `${name}@latest`)
  run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', ...versions])
  run('npm', ['ls', '--prefix', folder, '--depth', '0'])
  run('npx', ['vitest', 'run', '--project', 'boundary', 'test/bundlers/command-lines.test.ts'], {
    HOSTS_FROM: join(folder, 'node_modules'),
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function run(command, args, more = {}) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...more } })
  if (status !== 0) {
    process.exitCode = status ?? 1
    throw new Error(`${command} ${args.join(' ')} ended with ${status}`)
  }
}
