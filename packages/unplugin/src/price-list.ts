import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isUpscaleError, priceText, type UpscaleRequest, type Upscaler } from 'upscale-core'
import { isTaggedImage, pathOf } from './reference.ts'

/*
 * A bundler finds references one after the other, so when the first one has to be paid for, nobody knows yet how many
 * will follow. The sources are searched then, once, to name the price of all of them beforehand. It is an estimate: a
 * reference that code puts together is missed, one behind an alias is counted but not looked up, and one in a file
 * that the build doesn't use is counted too.
 */

const SOURCE = /\.(?:html?|css|scss|sass|less|styl|[cm]?[jt]sx?|vue|svelte|astro|mdx?)$/i
const OUTPUT_FOLDERS = new Set(['node_modules', 'dist', 'build', 'out', 'coverage'])
const REFERENCE = /(?<=["'`(=\s,])[^\s"'`()<>,]+\?[^\s"'`()<>,]+/g

/** The most source files that are searched. */
const MAX_FILES = 10_000

interface Wanted {
  readonly file: string
  readonly request: UpscaleRequest
}

/** What is missing and what it will cost, for a person, in one text of a few lines. */
export async function priceList(upscaler: Pick<Upscaler, 'options' | 'parse' | 'plan'>): Promise<string> {
  const { wanted, unknown } = await search(upscaler)
  const planned = await Promise.all(
    wanted.map(({ file, request }) => upscaler.plan(file, request).catch(leaveOut)),
  )
  const text = priceText(
    planned.filter(plan => plan !== undefined),
    upscaler.options.budgetMicros,
  )
  return unknown === 0 ? text : `${text}\n  and ${unknown} references whose file only the bundler can find`
}

/** A picture that can't be made is not paid for; the build itself will say why. */
function leaveOut(error: unknown): undefined {
  if (!isUpscaleError(error)) throw error
}

async function search({ options, parse }: Pick<Upscaler, 'options' | 'parse'>) {
  const wanted = new Map<string, Wanted>()
  let unknown = 0
  let files = 0
  for await (const source of sourcesIn(options.root)) {
    if (++files > MAX_FILES) break
    const text = await readFile(source, 'utf8')
    for (const [written] of text.includes('upscale') ? text.matchAll(REFERENCE) : []) {
      const reference = written.replaceAll('&amp;', '&')
      const requests = isTaggedImage(reference) ? requestsOf(reference, parse) : []
      const file = requests.length > 0 ? fileOf(pathOf(reference), source, options.root) : undefined
      if (file === undefined) unknown += requests.length > 0 ? 1 : 0
      else for (const request of requests) wanted.set(JSON.stringify([file, request]), { file, request })
    }
  }
  return { wanted: [...wanted.values()], unknown }
}

function requestsOf(reference: string, parse: Upscaler['parse']): readonly UpscaleRequest[] {
  try {
    return parse(reference)?.requests ?? []
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return []
  }
}

function fileOf(path: string, source: string, root: string): string | undefined {
  const places = path.startsWith('/')
    ? [join(root, path), join(root, 'public', path)]
    : [resolve(dirname(source), path)]
  return places.find(place => existsSync(place))
}

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !entry.name.startsWith('.') && !OUTPUT_FOLDERS.has(entry.name))
      yield* sourcesIn(path)
    else if (entry.isFile() && SOURCE.test(entry.name)) yield path
  }
}
