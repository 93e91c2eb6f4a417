import { dirname, join } from 'node:path'
import { isUpscaleError, type UpscaleRequest } from 'upscale-core'
import { createRounds, TAGGED } from 'upscale-core/internal'
import { mayHoldTags } from 'upscale-toolkit/references'
import type { ResolvedConfig } from 'vite'
import { isFile } from '../../is-file.ts'
import type { ProjectUpscaler } from '../../project-upscaler.ts'
import { isTaggedImage, pathOf, queryOf } from '../../reference.ts'
import { wordsOfQueries } from '../../words-of-queries.ts'
import { publicFile } from '../files.ts'
import { decodePath } from '../paths.ts'

/*
 * Whoever can open an address of the dev server can put any picture of the project together with any engine, prompt and
 * seed, and web pages of strangers can open addresses of this machine. So an address orders nothing: a picture is made
 * only where a module or a source file of the project asks for that source in that way.
 */

/** The pairs of source and request that the project's own files contain. */
export interface ModulePictures {
  /** A module was found to ask for a picture. */
  note(source: string, request: UpscaleRequest): void
  /**
   * Takes the references out of a module's code, compiled or as written.
   * @param id the bundler's id of the module
   */
  noteCode(code: string, id: string): void
  /** True for a pair that a module contains, or a source file of the project, which are searched for what is not known yet. */
  has(source: string, request: UpscaleRequest): Promise<boolean>
  /** Source files have changed. */
  forgetSources(): void
}

/** The most source files that are searched. */
const MAX_SOURCES = 10_000

export function createModulePictures(
  projectUpscaler: ProjectUpscaler,
  config: ResolvedConfig,
): ModulePictures {
  const { options } = projectUpscaler
  const known = new Set<string>()
  let search: Promise<void> | undefined

  const keyOf = (source: string, request: UpscaleRequest): string =>
    `${source.replaceAll('\\', '/')}?${queryOf(request, options)}`

  function note(source: string, request: UpscaleRequest): void {
    known.add(keyOf(source, request))
  }

  async function searchSources(): Promise<void> {
    // Parsers that most starts of a dev server have no use for.
    const { findReferences, resolveReference } = await import('upscale-toolkit/references/sources')
    const { projectPictures } = await import('../../project-pictures.ts')
    const { readFile } = await import('node:fs/promises')
    const outDir = join(config.root, config.build.outDir)
    const { turn } = createRounds()
    let count = 0
    for await (const source of projectPictures(projectUpscaler, [outDir]).sources()) {
      if (++count > MAX_SOURCES) return
      const text = await readFile(source, 'utf8').catch(() => '')
      for (const address of new Set(findReferences(source, text).map(({ address }) => address))) {
        const wait = turn()
        if (wait !== undefined) await wait
        const found = resolveReference(address, source, options.root)
        noteAddress(address, source, found === undefined ? [] : [found])
      }
    }
  }

  /** Notes a reference with every file that it may mean: only the browser knows what a relative one starts from. */
  function noteAddress(address: string, module: string, more: readonly string[] = []): void {
    if (!isTaggedImage(address)) return
    const requests = requestsOf(address)
    if (requests.length === 0) return
    for (const file of new Set([...filesOf(address, module, config), ...more])) {
      for (const request of requests) note(file, request)
    }
  }

  function requestsOf(reference: string): readonly UpscaleRequest[] {
    try {
      return projectUpscaler.parse({ reference, importer: undefined }).requests
    } catch (error) {
      // Whoever asks for it hears what is wrong with it.
      if (isUpscaleError(error)) return []
      throw error
    }
  }

  return {
    note,
    noteCode(code, id) {
      if (!mayHoldTags(code) || isBroughtAlong(id)) return
      for (const address of new Set(addressesIn(code))) noteAddress(address, pathOf(id))
    },
    async has(source, request) {
      const key = keyOf(source, request)
      if (known.has(key)) return true
      search ??= searchSources()
      await search
      return known.has(key)
    },
    forgetSources() {
      search = undefined
    },
  }
}

/**
 * True for an importer whose text is the project's. For a request of a module Vite names the page of the root as the
 * importer, whichever page it came from; the scripts in that page have ids of their own.
 */
export function isOfProject(id: string, { root }: Pick<ResolvedConfig, 'root'>): boolean {
  return id !== `${root}/index.html` && !isBroughtAlong(id)
}

/** True for a module whose text a request brought along: an address with a tag of its own, and a `data:` address. */
function isBroughtAlong(id: string): boolean {
  return /data:/i.test(id) || TAGGED.test(id) || TAGGED.test(decodePath(id))
}

/** Every stretch of a code without quotes, brackets and blanks, which an address stands in whole. */
function addressesIn(code: string): string[] {
  const addresses = [...wordsOfQueries(code, /["'`\s()<>]/)].map(({ start, end }) => {
    let last = end
    while (code[last - 1] === '\\') last--
    return code.slice(start, last).replaceAll('&amp;', '&')
  })
  return addresses.concat(quotedIn(code))
}

/** Addresses with blanks in their path, which only quotes keep together. */
function quotedIn(code: string): string[] {
  return [...wordsOfQueries(code, /["'`\r\n\\]/)]
    .map(({ start, end }) => code.slice(start, end))
    .filter(text => text.includes(' '))
}

function filesOf(address: string, module: string, config: ResolvedConfig): string[] {
  const path = decodePath(pathOf(address))
  const files = path.startsWith('/')
    ? [fileOfPath(path, config), fileOfPath(withoutBase(path, config), config)]
    : [join(dirname(module), path), join(config.root, path)]
  return [...new Set(files)].filter(isFile)
}

function withoutBase(path: string, { base }: ResolvedConfig): string {
  return path.startsWith(base) ? `/${path.slice(base.length)}` : path
}

/** The file that a path of the site stands for, whether or not it may be served. */
export function fileOfPath(path: string, config: ResolvedConfig): string {
  const outside = /^\/@fs(\/.*)$/.exec(path)?.[1]
  // On Windows a drive follows: /@fs/C:/…
  if (outside !== undefined) return join(outside.replace(/^\/(?=[a-z]:)/i, ''))
  return publicFile(path, config) ?? join(config.root, path)
}
