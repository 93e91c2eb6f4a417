import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { canTrace, compile } from '../../packages/core/src/test-support/fault-kit.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of core's sources as JavaScript, for child processes. */
    core: string
  }
}

/**
 * Fault tests kill processes, so they need core in a form that Node runs by itself, and strace, which makes system
 * calls fail. A Debian-like machine where we are root gets strace; elsewhere those tests are skipped with the reason.
 */
export default function setup(project: TestProject): () => void {
  if (process.platform === 'linux' && !canTrace()) installStrace()
  const core = compile()
  copyFileSync(fileURLToPath(new URL('deaths.mjs', import.meta.url)), join(core, 'deaths.mjs'))
  project.provide('core', core)
  return () => rmSync(core, { recursive: true, force: true })
}

function installStrace(): void {
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) return
  process.stderr.write('Installing strace with apt-get for the tests in which system calls fail …\n')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' })
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'strace'], {
      env,
      stdio: 'ignore',
    })
  } catch (error) {
    // Offline, or another system's apt. The tests then say that they were skipped.
    process.stderr.write(`apt-get failed: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
