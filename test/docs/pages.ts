import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the site's sources. */
export const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))

/** A page as it was written. */
export interface Page {
  /** Its path in the folder: `start/vite.md`. */
  readonly name: string
  readonly text: string
  readonly blocks: readonly Block[]
}

/**
 * A fenced block of code. What is done with it stands behind the language:
 *
 *     ```js [vite.config.js]          the file of that name in the page's project; file=… in a group of tabs
 *     ```sh install                   commands of npm; the packages are there, and each of them must be
 *     ```sh run                       commands, run in the project in the page's order
 *     ```sh generate                  the command of a framework that writes a new project
 *     ```diff [vite.config.ts]        lines that change in a file of such a project
 *     ```sh build                     commands, run in such a project
 *     ```js [vite.config.js] types    not run, but it must pass the type checker
 *     ```sh not-run="why"             nothing
 */
export interface Block {
  readonly language: string
  /** Line of the fence, from 1. */
  readonly line: number
  readonly kind: 'file' | 'install' | 'run' | 'generate' | 'edit' | 'build' | 'types' | 'not-run' | undefined
  readonly file: string | undefined
  readonly text: string
}

/** Pages whose code is that of projects under examples/, which have tests of their own. */
const TESTED_ELSEWHERE = new Set([
  'frameworks.md',
  'more-hosts.md',
  'static-sites.md',
  'remote-cache.md',
  'queue.md',
])

/** Every page that was written by hand, save those that are tested elsewhere. */
export async function readPages(): Promise<Page[]> {
  const names = await readdir(DOCS, { recursive: true })
  const written = names
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => name.endsWith('.md') && !/^(?:node_modules|reference|\.vitepress)\//.test(name))
    .filter(name => !TESTED_ELSEWHERE.has(name))
  return Promise.all(written.sort().map(readPage))
}

export async function readPage(name: string): Promise<Page> {
  return pageOf(name, await readFile(join(DOCS, name), 'utf8'))
}

/** The part of a page under one of its headings, `## React`, up to the next of that rank. */
export function sectionOf({ name, text }: Page, heading: string): Page {
  const part = text.split(/^(?=## )/m).find(section => section.startsWith(`## ${heading}\n`))
  if (part === undefined) throw new Error(`${name} has no section ${heading}`)
  return pageOf(`${name}#${heading}`, part)
}

/** @param text Markdown */
export function pageOf(name: string, text: string): Page {
  return { name, text, blocks: [...blocksOf(text)] }
}

function* blocksOf(text: string): Generator<Block> {
  const fence = /^```(\w+)[ \t]*(.*)\n([\s\S]*?)^```$/gm
  for (const match of text.matchAll(fence)) {
    const [, language = '', info = '', code = ''] = match
    const name = /(?:^|\s)file=(\S+)/.exec(info)?.[1] ?? /^\[([^\]]+\.[^\]]+)\]/.exec(info)?.[1]
    yield {
      language,
      line: text.slice(0, match.index).split('\n').length,
      kind: language === 'diff' && name !== undefined ? 'edit' : kindOf(info, name),
      file: name,
      text: code,
    }
  }
}

function kindOf(info: string, name: string | undefined): Block['kind'] {
  if (/\bnot-run="[^"]+"/.test(info)) return 'not-run'
  for (const kind of ['install', 'run', 'generate', 'build', 'types'] as const) {
    if (new RegExp(`(?:^|\\s)${kind}(?:\\s|$)`).test(info)) return kind
  }
  return name === undefined ? undefined : 'file'
}

/** The pictures that a page tells its reader to have: ``put a picture beside it, `hero.png` ``. */
export function picturesToldBy({ text }: Page): string[] {
  const sentences = text.matchAll(/\bpictures?\b[^`.\n]*((?:`[^`\n]+\.(?:png|jpg|webp)`[^`.\n]*)+)/g)
  const names = [...sentences].flatMap(([, list = '']) => [...list.matchAll(/`([^`]+)`/g)])
  return [...new Set(names.map(([, name = '']) => name).filter(name => !/[?*<]/.test(name)))]
}
