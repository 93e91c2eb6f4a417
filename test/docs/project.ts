import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { type Block, DOCS } from './pages.ts'

/** Size of the pictures in a page's project, in pixels. Their noise keeps them from being inlined. */
export const WIDTH = 320
export const HEIGHT = 200

/** The project that a page tells its reader to make. */
export interface Project {
  readonly root: string
  write(file: string, text: string): Promise<void>
  paint(file: string): Promise<void>
  /** Checks that every package of an install command is here. */
  install(commands: string): Promise<void>
  /** @throws with what the commands printed */
  run(commands: string, env: Readonly<Record<string, string>>): Promise<void>
  /** Widths of all pictures that were made, in pixels, by their path. */
  widths(): Promise<Map<string, number>>
  remove(): Promise<void>
}

/** What `npm init -y` writes; npm 11 says the type. */
const PACKAGE = { name: 'project', version: '1.0.0', main: 'index.js', type: 'commonjs', license: 'ISC' }

/** A folder with nothing but a package.json, in which the packages that docs/package.json lists are installed. */
export async function startProject(): Promise<Project> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'upscale-docs-')))
  await writeFile(join(root, 'package.json'), JSON.stringify(PACKAGE))
  const packages = await linkPackages(root)
  const painted = new Set<string>()
  const write = async (file: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), content)
  }
  return {
    root,
    write,
    async paint(file) {
      painted.add(file)
      await write(file, await noise())
    },
    async install(commands) {
      for (const line of commands.trim().split('\n')) {
        if (line === 'npm pkg set type=module') {
          await write('package.json', JSON.stringify({ ...PACKAGE, type: 'module' }))
          continue
        }
        const [tool, verb, ...names] = line.split(/\s+/)
        if (tool !== 'npm' || (verb !== 'i' && line !== 'npm init -y')) throw new Error(`not npm: ${line}`)
        const missing = names.filter(name => !name.startsWith('-') && !packages.has(name))
        if (missing.length > 0) throw new Error(`docs/package.json lacks ${missing.join(', ')}`)
      }
    },
    async run(commands, env) {
      const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
      const options = { cwd: root, env: { ...process.env, PATH: path, ...env }, timeout: 120_000 }
      await promisify(execFile)('sh', ['-ec', commands], options).catch(error => {
        throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`)
      })
    },
    async widths() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      const files = entries
        .filter(entry => entry.isFile() && /\.(?:png|jpe?g|webp)$/.test(entry.name))
        .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
        .filter(
          file => !file.startsWith('node_modules') && !file.startsWith('.upscale') && !painted.has(file),
        )
      return new Map(
        await Promise.all(
          files.map(async file => [file, (await sharp(join(root, file)).metadata()).width] as const),
        ),
      )
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

/** Links what docs/ has installed into the project, since that is what the pages tell to install. */
async function linkPackages(root: string): Promise<Set<string>> {
  const from = join(DOCS, 'node_modules')
  const to = join(root, 'node_modules')
  const linked = new Set<string>()
  await mkdir(to)
  for (const entry of await readdir(from)) {
    if (entry.startsWith('.') && entry !== '.bin') continue
    const names = entry.startsWith('@')
      ? (await readdir(join(from, entry))).map(one => `${entry}/${one}`)
      : [entry]
    if (entry.startsWith('@')) await mkdir(join(to, entry))
    for (const name of names) {
      linked.add(name)
      await symlink(await realpath(join(from, name)), join(to, name))
    }
  }
  return linked
}

/** The same picture each time, as PNG. */
export async function noise(): Promise<Buffer> {
  const data = Buffer.alloc((WIDTH / 8) * (HEIGHT / 8) * 3)
  for (let at = 0; at < data.length; at++) data[at] = Math.imul(at + 1, 2654435761) >>> 24
  return sharp(data, { raw: { width: WIDTH / 8, height: HEIGHT / 8, channels: 3 } })
    .resize(WIDTH, HEIGHT)
    .png()
    .toBuffer()
}

/** Does what a page says, block by block. */
export async function follow(
  blocks: readonly Block[],
  project: Project,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  for (const { kind, file, text, line } of blocks) {
    try {
      if (kind === 'file' && file !== undefined) await project.write(file, text)
      if (kind === 'install') await project.install(text)
      if (kind === 'run') await project.run(text, env)
    } catch (cause) {
      throw new Error(
        `the block in line ${line}: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          cause,
        },
      )
    }
  }
}
