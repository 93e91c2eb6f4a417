import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findChromium } from './chromium.ts'

/**
 * The tests that open pages need a browser. A Debian-like machine where we are root (a container, as in CI) gets one;
 * elsewhere those tests are skipped, and the reason is printed once.
 */
export default function setup(): void {
  if (findChromium() !== undefined) return
  if (existsSync('/usr/bin/apt-get') && process.getuid?.() === 0) installChromium()
  if (findChromium() !== undefined) return
  process.stderr.write(
    'No Chromium found: tests that open pages are skipped. Install one or set CHROMIUM_PATH.\n',
  )
}

function installChromium(): void {
  process.stderr.write('Installing Chromium with apt-get for the tests that open pages …\n')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' })
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
      env,
      stdio: 'ignore',
    })
  } catch (error) {
    // Offline, or another system's apt. The tests then say that they were skipped.
    process.stderr.write(`apt-get failed: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
