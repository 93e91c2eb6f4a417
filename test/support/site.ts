import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { paint } from './pictures.ts'

/** A project in a folder of its own, made from a fixture. */
export interface Site {
  readonly root: string
  remove(): Promise<void>
}

/** A package whose pictures and style sheet a project uses. */
const PACKAGE = {
  'package.json': JSON.stringify({
    name: 'pictures',
    version: '1.0.0',
    exports: { './exported.png': './img/exported.png', './*': './*' },
  }),
  'sheet.css': '.css-imported-package { background-image: url(./css-imported-package.png?upscale=2) }\n',
}

/** Copies a fixture, paints its pictures, and adds the package `pictures` that it imports from. */
export async function makeSite(
  fixture: 'frameworks' | 'vite' | 'webpack',
  pictures: readonly string[],
): Promise<Site> {
  const root = join(tmpdir(), `upscale-site-${randomUUID()}`)
  await cp(new URL(`../bundlers/fixtures/${fixture}`, import.meta.url), root, { recursive: true })
  await mkdir(join(root, 'node_modules/pictures'), { recursive: true })
  await writeFile(
    join(root, 'package.json'),
    '{ "name": "site", "private": true, "imports": { "#img/*": "./src/img/*" } }\n',
  )
  await Promise.all(
    Object.entries(PACKAGE).map(([name, text]) => writeFile(join(root, 'node_modules/pictures', name), text)),
  )
  await Promise.all(pictures.map(picture => paint(root, picture)))
  return { root, remove: () => rm(root, { recursive: true, force: true }) }
}

/** A project of a few files, written down where it is used. */
export async function writeSite(files: Readonly<Record<string, string>>): Promise<Site> {
  const root = join(tmpdir(), `upscale-site-${randomUUID()}`)
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }\n', ...files })) {
    await mkdir(join(root, name, '..'), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) }
}

/** Every file of a folder with its bytes, by its path in the folder. */
export async function readTree(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const pairs = await Promise.all(
    files.sort().map(async file => [file.slice(folder.length + 1), await readFile(file)] as const),
  )
  return new Map(pairs)
}

/**
 * Takes every tag out of a copy of a fixture, and what only a tag makes work: `inline`, a glob's query. What is left is
 * a project that doesn't use the plugin.
 */
export async function stripTags(root: string): Promise<void> {
  const sources = (await readdir(join(root, 'src'), { recursive: true })).map(name => `src/${name}`)
  for (const name of ['index.html', ...sources, 'node_modules/pictures/sheet.css']) {
    if (!/\.(?:html|js|ts|css)$/.test(name) || !existsSync(join(root, name))) continue
    const text = await readFile(join(root, name), 'utf8')
    const stripped = text
      .replace("{ upscale: '2' }", '{}')
      .replace(/\?[^\s"'`)>]*\bupscale\b[^\s"'`)>]*/g, '')
    await writeFile(join(root, name), stripped)
  }
}
