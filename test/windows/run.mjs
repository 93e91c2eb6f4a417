/*
 * Runs the product and its unit tests on Windows, as far as Wine is one:
 *
 *     apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64-win32
 *     pnpm test:wine                            everything
 *     pnpm test:wine packages/core/src/cache    the tests of these names only
 *
 * Dependencies are installed for Windows into a folder of their own. What is built, served and watched there must have the
 * same bytes as here. `not-shown.mjs` says what Wine can't show.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { filesOf } from './files-of.mjs'
import { notShown } from './not-shown.mjs'
import { makeSite } from './site.mjs'
import { makeWindows, must } from './wine.mjs'

const NODE = '20'
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const names = process.argv.slice(2)

const folder = mkdtempSync(join(tmpdir(), 'upscale-windows-'))
const failures = []
try {
  const windows = makeWindows(folder, NODE)
  copyRepository(join(windows.work, 'repo'))
  if (names.length === 0) {
    await compareProduct(windows)
    await compareCommand(windows)
  }
  runUnitTests(windows)
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
console.log(failures.length === 0 ? 'all passed' : failures.join('\n'))
process.exitCode = failures.length === 0 ? 0 : 1

/** The packages, as they are and as they were built, with their dependencies for Windows. */
function copyRepository(repo) {
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const wanted = /^(?:packages\/|test\/windows\/|[^/]+$|(?:.*\/)?package\.json$)/
  const files = stdout.split('\0').filter(name => wanted.test(name))
  const built = ['core', 'local', 'toolkit', 'unplugin', 'server', 'cli'].map(name => `packages/${name}/dist`)
  for (const name of [...files, ...built]) {
    mkdirSync(dirname(join(repo, name)), { recursive: true })
    cpSync(join(REPOSITORY, name), join(repo, name), { recursive: true })
  }
  const install = ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts']
  // Wine shows links as what they point at, so that a package would not find those beside it.
  const layout = ['--config.node-linker=hoisted', '--filter', './packages/*']
  must('npx', ['-y', 'pnpm@12', ...install, '--os', 'win32', '--cpu', 'x64', ...layout], { cwd: repo })
}

/** Builds with Vite and webpack, a dev server and a watcher: the same bytes, and nothing made twice. */
async function compareProduct({ work, node }) {
  const here = join(folder, 'site')
  await makeSite(here)
  cpSync(here, join(work, 'site'), { recursive: true })
  const script = 'test/windows/product.mjs'
  must('node', [join(REPOSITORY, script), REPOSITORY, here, join(here, 'result.json')])
  const there = node('repo', [script, 'C:\\work\\repo', 'C:\\work\\site', 'C:\\work\\site\\result.json'])
  if (!expectEnd('product.mjs', there)) return
  const [expected, found] = [here, join(work, 'site')].map(place =>
    JSON.parse(readFileSync(join(place, 'result.json'), 'utf8')),
  )
  for (const way of Object.keys(expected)) expectSame(way, expected[way], found[way])
  for (const way of ['vite', 'webpack']) {
    if (found[way].made === 0 || found[way].madeAgain !== 0)
      failures.push(`${way}: ${found[way].made} made, and ${found[way].madeAgain} again`)
  }
}

/** The command on a folder, and what it says of the machine. */
async function compareCommand({ work, node }) {
  const here = join(folder, 'pictures')
  await makeSite(here)
  cpSync(here, join(work, 'pictures'), { recursive: true })
  const command = 'packages/cli/bin/upscale.mjs'
  const run = ['.', '--out', 'large', '--factor', '2', '--format', 'webp']
  must('node', [join(REPOSITORY, command), ...run], { cwd: here })
  expectEnd('upscale', node('pictures', ['C:\\work\\repo\\packages\\cli\\bin\\upscale.mjs', ...run]))
  expectSame('upscale', filesOf(join(here, 'large')), filesOf(join(work, 'pictures/large')))
  expectEnd('doctor', node('pictures', ['C:\\work\\repo\\packages\\cli\\bin\\upscale.mjs', 'doctor']))
}

function runUnitTests({ work, node }) {
  const report = join(work, 'unit.json')
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'unit',
    '--pool',
    'threads',
    '--maxWorkers',
    '2',
  ]
  const output = ['--reporter', 'json', '--outputFile', 'C:\\work\\unit.json']
  const slow = ['--testTimeout', '300000']
  const ended = node('repo', [...vitest, ...output, ...slow, ...names])
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const tests = testResults.flatMap(({ name, message, assertionResults }) =>
    assertionResults.length === 0
      ? [{ file: fileOf(name), status: 'failed', fullName: 'the file itself', failureMessages: [message] }]
      : assertionResults.map(test => ({ file: fileOf(name), ...test })),
  )
  const bad = tests.filter(({ status }) => status === 'failed')
  const failed = bad.filter(test => !notShown(test.file, test.fullName, test.failureMessages.join()))
  for (const { file, fullName, failureMessages } of failed)
    failures.push(`${file}: ${fullName}\n${failureMessages.join('\n').split('\n').slice(0, 6).join('\n')}`)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const counts = [
    `${passed} passed`,
    `${failed.length} failed`,
    `${bad.length - failed.length} that Wine can't show`,
    `${tests.length - passed - bad.length} skipped`,
  ]
  console.log(`unit tests: ${counts.join(', ')}`)
  if (bad.length === 0) expectEnd('vitest', ended)
}

/** The name of a test file in the repository. */
function fileOf(name) {
  return name.replaceAll('\\', '/').replace(/^.*\/repo\//, '')
}

function expectEnd(what, { status, stdout, stderr }) {
  if (status === 0) console.log(`${what}: ended well`)
  else failures.push(`${what} ended with ${status}\n${stdout}\n${stderr}`)
  return status === 0
}

function expectSame(what, expected, found) {
  if (isDeepStrictEqual(expected, found)) console.log(`${what}: the same as here`)
  else failures.push(`${what} differs\n${JSON.stringify({ expected, found }, null, 2)}`)
}
