import { type ExecFileException, execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const REPOSITORY: string = fileURLToPath(new URL('../..', import.meta.url))

/** A package of this repository as it would be published. */
export interface Packed {
  readonly name: string
  /** The tarball, absolute. */
  readonly file: string
  /** Bytes of the tarball. */
  readonly size: number
  /** Paths inside of it. */
  readonly files: readonly string[]
}

/** Packs everything under `packages/` into a folder. */
export async function packAll(folder: string): Promise<Packed[]> {
  const filter = ['-r', '--filter', './packages/*']
  const pack = ['pack', '--json', '--pack-destination', folder]
  const text = await run('npx', ['-y', 'pnpm@12', ...filter, ...pack], REPOSITORY)
  const told: { name: string; filename: string; size: number; files: { path: string }[] }[] = JSON.parse(text)
  return told.map(({ name, filename, size, files }) => {
    return { name, file: filename, size, files: files.map(({ path }) => path) }
  })
}

/** A folder outside of the workspace, where only what was installed can be found. */
export interface Outside {
  readonly root: string
  /** Runs a program there, the binaries of `node_modules` first. Resolves with stdout. */
  run(program: string, args?: readonly string[]): Promise<string>
  remove(): Promise<void>
}

/**
 * Makes a project of a few files and installs packages into it with plain npm.
 *
 * @param packages the packages of this repository that a user would name; those that they need come from tarballs too
 * @param others packages of the registry, `name@version`
 */
export async function installOutside(
  files: Readonly<Record<string, string>>,
  packages: readonly string[],
  others: readonly string[],
  packed: readonly Packed[],
): Promise<Outside> {
  const root = await mkdtemp(join(tmpdir(), 'upscale-outside-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  const wanted = await withNeeded(packages, packed)
  const tarballs = packed.filter(({ name }) => wanted.has(name)).map(({ file }) => file)
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error']
  await run('npm', ['install', '--save-dev', ...flags, ...tarballs, ...others], root)
  return {
    root,
    run: (program, args = []) => run(program, args, root),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

/** `name@version` of a package as a project of the workspace has it. */
export async function asIn(project: string, name: string): Promise<string> {
  const manifest = join(REPOSITORY, project, 'node_modules', name, 'package.json')
  return `${name}@${JSON.parse(await readFile(manifest, 'utf8')).version}`
}

/** The registry has none of ours, so their own dependencies among ours are named as well. */
export async function withNeeded(
  packages: readonly string[],
  packed: readonly Packed[],
): Promise<Set<string>> {
  const ours = new Set(packed.map(({ name }) => name))
  const wanted = new Set(packages)
  for (const name of wanted) {
    const file = packed.find(one => one.name === name)?.file
    if (file === undefined) throw new Error(`${name} is not a package of this repository`)
    const text = await run('tar', ['-xzOf', file, 'package/package.json'], REPOSITORY)
    const { dependencies = {} }: { dependencies?: Record<string, string> } = JSON.parse(text)
    for (const dependency of Object.keys(dependencies)) if (ours.has(dependency)) wanted.add(dependency)
  }
  return wanted
}

async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const PATH = `${join(cwd, 'node_modules/.bin')}:${process.env.PATH ?? ''}`
  // What pnpm tells its scripts about itself is none of npm's business.
  const rest = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const env = { ...Object.fromEntries(rest), PATH, npm_config_update_notifier: 'false' }
  try {
    const options = { cwd, env, maxBuffer: 64 * 1024 * 1024, timeout: 170_000 }
    return (await promisify(execFile)(program, args, options)).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as ExecFileException
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}
