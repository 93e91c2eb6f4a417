import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { type Page, picturesToldBy } from '../docs/pages.ts'
import { noise } from '../docs/project.ts'
import { type Packed, withNeeded } from '../support/packages.ts'
import { applyEdit } from './edit.ts'

/** A project as its reader has it after a page, or a section of one, was followed to the end. */
export interface Scaffold {
  readonly root: string
  /** What the commands of the page printed. */
  readonly printed: string
  /** Paths of the pictures that the page tags, or has a command make. */
  readonly tagged: readonly string[]
  /** Starts a command that serves pages, until the returned function is called. */
  start(command: string): () => void
  remove(): Promise<void>
}

export interface ScaffoldOptions {
  /** Flags that answer what a generator asks. */
  readonly answers?: string | undefined
  /** The project that the generator writes, where it was brought another way. */
  readonly template?: string | undefined
  /** A folder with a Node of its own, for what needs a newer one. */
  readonly node?: string | undefined
  readonly packed: readonly Packed[]
}

/** @throws with what was printed, where a command of the page fails or a line that it changes is not in the project */
export async function follow(page: Page, options: ScaffoldOptions): Promise<Scaffold> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'upscale-scaffold-')))
  const { answers = '', template, packed } = options
  const env = environment(options.node)
  let root = parent
  let printed = ''
  const run = async (command: string, cwd: string): Promise<void> => {
    const done = await promisify(execFile)('sh', ['-ec', command], {
      cwd,
      env: { ...env, PATH: `${join(cwd, 'node_modules/.bin')}${delimiter}${env.PATH}` },
      maxBuffer: 64 * 1024 * 1024,
    }).catch(error => Promise.reject(new Error(`${command}\n${error.stdout}\n${error.stderr}`)))
    printed += done.stdout + done.stderr
  }
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    const path = join(root, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, change(existsSync(path) ? await readFile(path, 'utf8') : ''))
  }

  try {
    for (const { kind, file = '', text, line } of page.blocks) {
      try {
        if (kind === 'generate') {
          root = join(parent, 'my-site')
          if (template === undefined) await run(`${text.trim()} ${answers}`, parent)
          else await cp(template, root, { recursive: true })
        }
        if (kind === 'install') await run(await fromTarballs(text, packed), root)
        if (kind === 'file') await edit(file, () => text)
        if (kind === 'edit') await edit(file, before => applyEdit(before, text))
        if (kind === 'run' || kind === 'build') {
          for (const picture of picturesToldBy(page)) await paintMissing(join(root, picture))
          await run(text, root)
        }
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`${page.name}, the block in line ${line}: ${reason}`, { cause })
      }
    }
    return {
      root,
      printed,
      tagged: await taggedIn(page, root),
      start(command) {
        const child = spawn('sh', ['-c', command], { cwd: root, env, stdio: 'ignore', detached: true })
        return () => void (child.pid !== undefined && process.kill(-child.pid))
      },
      remove: () => rm(parent, { recursive: true, force: true }),
    }
  } catch (error) {
    await rm(parent, { recursive: true, force: true })
    throw error
  }
}

/** Our packages are not in a registry yet, or older there. */
async function fromTarballs(commands: string, packed: readonly Packed[]): Promise<string> {
  const lines = commands.trim().split('\n')
  const own = packed.map(({ name }) => name)
  const named = await Promise.all(
    lines.map(async line => {
      const words = line.split(/\s+/)
      const wanted = await withNeeded(
        words.filter(word => own.includes(word)),
        packed,
      )
      const files = packed.filter(({ name }) => wanted.has(name)).map(({ file }) => file)
      return [...words.filter(word => !own.includes(word)), ...files].join(' ')
    }),
  )
  return named.join('\n')
}

async function paintMissing(path: string): Promise<void> {
  if (existsSync(path)) return
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, await noise())
}

/** Where the pictures lie that a page tags, whatever path it writes to them. */
async function taggedIn(page: Page, root: string): Promise<string[]> {
  const texts = page.blocks.filter(({ kind }) => kind === 'file' || kind === 'edit').map(({ text }) => text)
  const names = new Set(
    texts.flatMap(text =>
      [...text.matchAll(/([\w.-]+\.(?:png|jpe?g|webp))\?upscale=2/g)].map(([, name]) => name),
    ),
  )
  const files = await filesIn(root)
  // A page of a host without plugins tags none.
  const told = picturesToldBy(page).map(path => basename(path))
  return (names.size === 0 ? told : [...names]).map(name => {
    const found = files.find(file => basename(file) === name && !/^(?:dist|build|\.\w+)\//.test(file))
    if (found === undefined) throw new Error(`no ${name} in the project`)
    return join(root, found)
  })
}

/** Paths of all files that are not installed, kept in a cache or under version control. */
export async function filesIn(root: string): Promise<string[]> {
  const files: string[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isFile()) files.push(path)
      else if (!/^(?:node_modules|cache|\.git|\.upscale)$/.test(entry.name)) await walk(path)
    }
  }
  await walk('')
  return files
}

export async function widthOf(file: string): Promise<number> {
  return (await sharp(file).metadata()).width
}

/** A reader's machine: no CI, and nothing that the test's own run says of itself. */
function environment(node: string | undefined): NodeJS.ProcessEnv {
  const own = /^(?:npm_|VITEST|VITE_|NODE_OPTIONS$|NODE_ENV$|CI$|TEST$|DEV$|PROD$|MODE$|BASE_URL$|SSR$)/
  const { PATH = '', ...rest } = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !own.test(name)),
  )
  return {
    ...rest,
    PATH: node === undefined ? PATH : `${node}${delimiter}${PATH}`,
    NO_COLOR: '1',
    npm_config_update_notifier: 'false',
    npm_config_yes: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_prefer_offline: 'true',
    NG_CLI_ANALYTICS: 'false',
    STORYBOOK_DISABLE_TELEMETRY: '1',
    ASTRO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    NUXT_TELEMETRY_DISABLED: '1',
  }
}
