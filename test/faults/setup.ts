import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { TestProject } from 'vitest/node'
import { canTrace } from '../../packages/core/src/test-support/fault-kit.ts'

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
  const core = compileCore()
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

/** The sources, not the built package: these tests must be able to run, and to fail, without a build before them. */
function compileCore(): string {
  const core = fileURLToPath(new URL('../../packages/core/', import.meta.url))
  const target = mkdtempSync(join(tmpdir(), 'upscale-faults-core-'))
  chmodSync(target, 0o755)
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
  copyFileSync(fileURLToPath(new URL('deaths.mjs', import.meta.url)), join(target, 'deaths.mjs'))
  symlinkSync(join(core, 'node_modules'), join(target, 'node_modules'))
  const names = readdirSync(join(core, 'src'), { recursive: true }).map(String)
  const isSource = (name: string): boolean =>
    /\.ts$/.test(name) && !/\.test\.ts$|(?:fault|purchase)-kit\.ts$/.test(name)
  for (const name of names.filter(isSource)) {
    const { outputText } = ts.transpileModule(readFileSync(join(core, 'src', name), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    })
    const file = join(target, name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, outputText)
  }
  return target
}
