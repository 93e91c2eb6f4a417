import { readFile } from 'node:fs/promises'
import { type Directive, isUpscaleError, type Upscaler } from 'upscale-core'
import { isInside } from 'upscale-core/internal'
import { placeText } from '../inspector/place-text.ts'
import { isElsewhere } from '../references/address.ts'
import { findReferences, isSourceIn, resolveReference, sourcesIn } from '../references/sources.ts'

/*
 * TypeScript knows a module that isn't a file by its name only, and that name may have one `*`. An exact name beats a
 * pattern, and of patterns the one with the longest text *before* its `*` wins. The name of an ambient module must not
 * be relative (TS2436), but a pattern is compared with a specifier as it is written. So
 *
 *     './img/hero.png?upscale=3.25'   is declared as   '.*\/img/hero.png?upscale=3.25'
 *     '@/img/hero.png?upscale=3.25'   is declared as it stands
 *     '/img/hero.png?upscale=3.25'    is declared as   '*\/img/hero.png?upscale=3.25'
 *
 * and the first two win over the general patterns of client.d.ts. The last ties with them, and then the pattern that
 * was declared first counts, which is theirs; they differ only for `as=metadata` before another key of ours.
 */

/** A declaration file of the tagged imports that a project has. */
export interface Declarations {
  /** Searches all sources, and writes the file where that changes it. */
  writeAll(): Promise<void>
  /** The same for one source that was changed, added or removed. */
  update(source: string): Promise<void>
}

/** Files that TypeScript or a checker built on it reads. */
const SCRIPT = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|mdx)$/

const HEAD = `/* eslint-disable */
// Written by unplugin-upscale from the imports of this project. Don't change it: the next build does.
/// <reference types="unplugin-upscale/client" />
`

/** @param file absolute */
export function createDeclarations(file: string, view: Pick<Upscaler, 'parse' | 'options'>): Declarations {
  const { root, cacheDir } = view.options
  const found = new Map<string, readonly Declared[]>()

  async function read(source: string): Promise<void> {
    const text = await readFile(source, 'utf8').catch(() => '')
    const addresses = new Set(findReferences(source, text).map(({ address }) => address))
    const declared = [...addresses].flatMap(address => declare(address, source) ?? [])
    if (declared.length > 0) found.set(source, declared)
    else found.delete(source)
  }

  function declare(specifier: string, source: string): Declared | undefined {
    const facts = isElsewhere(specifier) ? undefined : factsOf(specifier)
    if (facts === undefined || isTypedByOthers(facts.rest)) return undefined
    // A name that is mistyped stays one that TypeScript doesn't know.
    const isPath = /^\.{0,2}\//.test(specifier)
    if (isPath && resolveReference(specifier, source, root) === undefined) return undefined
    return { name: moduleName(specifier), type: facts.as === 'metadata' ? METADATA : 'string' }
  }

  function factsOf(specifier: string): Pick<Directive, 'as' | 'rest'> | undefined {
    try {
      return view.parse(specifier)
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      // The build says what is wrong with it. Outside of a build nothing may be: presets and engines can be those of a
      // bundler's config, and change no type.
      const isMetadata = /[?&]as=metadata(?:[&#]|$)/.test(specifier)
      return { as: isMetadata ? 'metadata' : 'url', rest: '' }
    }
  }

  function write(): Promise<void> {
    const types = new Map([...found.values()].flat().map(({ name, type }) => [name, type]))
    const blocks = [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map(print)
    return placeText(file, [HEAD, ...blocks].join('\n'), 'the declaration file')
  }

  return {
    async writeAll() {
      found.clear()
      for await (const source of sourcesIn(root, new Set([cacheDir]))) {
        if (SCRIPT.test(source)) await read(source)
      }
      await write()
    },
    async update(source) {
      if (!isInside(source, root) || !SCRIPT.test(source) || !isSourceIn(root, source)) return
      await read(source)
      await write()
    },
  }
}

const METADATA = 'UpscaledImageMetadata'

interface Declared {
  readonly name: string
  readonly type: 'string' | typeof METADATA
}

function moduleName(specifier: string): string {
  const [, relativeTail] = /^\.{1,2}\/((?:\.{1,2}\/)*.*)$/.exec(specifier) ?? []
  if (relativeTail !== undefined) return `.*/${relativeTail.replace(/^(?:\.{1,2}\/)+/, '')}`
  return specifier.startsWith('/') ? `*${specifier}` : specifier
}

/** Another plugin that comes after us was asked for a form of its own. */
function isTypedByOthers(rest: string): boolean {
  return new URLSearchParams(rest.replace(/#.*$/, '')).has('as')
}

function print([name, type]: readonly [string, string]): string {
  return `declare module ${JSON.stringify(name)} {\n  const value: ${type}\n  export default value\n}\n`
}
