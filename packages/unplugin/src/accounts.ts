import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type Directive, isUpscaleError, UpscaleError } from 'upscale-core'
import { createRounds } from 'upscale-core/internal'
import {
  findSourcePlace,
  isPicturePath,
  mayHoldTags,
  withEdits,
  withoutComments,
} from 'upscale-toolkit/references'
import { isFile } from './is-file.ts'
import { type ProjectUpscaler, withPlace } from './project-upscaler.ts'
import type { ReferenceSite } from './reference.ts'
import { wordsOfQueries } from './words-of-queries.ts'

/*
 * What the search of the output can't see: a small picture that something else inlined has lost its tag. So every tagged
 * reference of a module must have been replaced; one that was not is an error when the original ships in its place.
 */

/** Who was asked for the pictures of a build. */
export type Asked = Pick<ProjectUpscaler, 'parse' | 'seenPictures' | 'wasAsked' | 'noticeSlips'>

/** What a build says of itself. */
export interface Accounts {
  readonly projectUpscaler: Asked
  /** Where addresses that start with a slash start; absolute. */
  readonly root: string
  /** Absolute paths of what its modules were made of. */
  readonly files: Iterable<string>
  /** What is written; asked for when there is a doubt. */
  contents(): Iterable<string | Uint8Array>
  /** True for a picture that was asked for in an earlier build, whose module a cache of the host kept. */
  isKept?(source: string): boolean
}

/**
 * The error of a tagged reference that was not replaced although its picture ships, or that stands in a glob's pattern. Tags
 * that are misspelled are told of on the way.
 */
export async function findUnreplaced(accounts: Accounts): Promise<UpscaleError | undefined> {
  // When one is missed: most builds miss none, and may have thousands.
  let seen: ReadonlySet<string> | undefined
  let written: Written | undefined
  const ships = (bytes: Buffer): boolean => {
    written ??= readyToSearch(accounts.contents())
    return isIn(bytes, written)
  }
  const { turn } = createRounds()
  for (const file of new Set(accounts.files)) {
    if (file.startsWith('\0') || /[\\/]node_modules[\\/]/.test(file)) continue
    if (isPicturePath(file)) continue
    const text = isFile(file) ? await readFile(file, 'utf8') : ''
    accounts.projectUpscaler.noticeSlips(file, text)
    if (!mayHoldTags(text)) continue
    const glob = taggedGlobIn(file, text)
    if (glob !== undefined) return glob
    if (!mayHoldTags(withoutAsked(file, text, accounts.projectUpscaler))) continue
    seen ??= namesOf(accounts.projectUpscaler)
    for (const site of await sitesIn(file, text)) {
      const wait = turn()
      if (wait !== undefined) await wait
      const isShipped = await isShippedSmall(site, text, seen, ships, accounts)
      // The whole file is read for this: only where it decides, or a file of a thousand references is read as often.
      if (isShipped && findSourcePlace(file, text, site.reference) !== undefined) return unreplaced(site)
    }
  }
  return undefined
}

/** A text without the references that were asked for, as they stand between quotes or brackets: most modules have no others. */
function withoutAsked(importer: string, text: string, { wasAsked }: Asked): string {
  const asked = [...wordsOfQueries(text, BESIDE_ADDRESS)].filter(({ start, end }) =>
    wasAsked({ reference: text.slice(start, end), importer }),
  )
  return withEdits(
    text,
    asked.map(({ start, end }) => ({ start, end, text: '' })),
  )
}

const BESIDE_ADDRESS = /[\s'"`()]/

/** The patterns of a call of Vite's glob. Types and lists are bounded, since each beginning is followed to their end. */
const GLOB = /\bimport\.meta\.glob\s*(?:<[^>(]{0,500}>\s*)?\(\s*(\[[^\]]{0,4000}\]|(['"`])[^'"`\n]*\2)/g
const TAGGED_PATTERN = /(['"`])([^'"`\n?]+)(\?[^'"`\n]*\bupscale\b[^'"`\n]*)\1/

/** The error of a glob whose pattern has the tag: it matches no file, so that the page shows nothing at all. */
function taggedGlobIn(file: string, text: string): UpscaleError | undefined {
  // Markdown writes of code.
  if (!/\.(?:[cm]?[jt]sx?|vue|svelte|astro)$/i.test(file)) return undefined
  if (firstTaggedGlob(text) === undefined) return undefined
  // A comment has no globs. Read once, since there may be a thousand in some.
  const glob = firstTaggedGlob(withoutComments(file, text))
  if (glob === undefined) return undefined
  const { pattern, query } = glob
  const error = new UpscaleError(
    'LEFTOVER_REFERENCE',
    'the pattern of a glob has the tag, so it matches no file',
    {
      hint: `write import.meta.glob('${pattern}', { query: '${query}', import: 'default', eager: true })`,
    },
  )
  return withPlace(error, { reference: `${pattern}${query}`, importer: file })
}

function firstTaggedGlob(text: string): { readonly pattern: string; readonly query: string } | undefined {
  for (const [, patterns = ''] of text.matchAll(GLOB)) {
    const [, , pattern = '', query = ''] = TAGGED_PATTERN.exec(patterns) ?? []
    if (query !== '') return { pattern, query }
  }
  return undefined
}

/** The references that stand in a module, those of its comments among them; each once. */
async function sitesIn(file: string, text: string): Promise<ReferenceSite[]> {
  const { findReferences } = await import('upscale-toolkit/references/sources')
  const references = new Set(findReferences(file, text).map(({ address }) => address))
  return [...references].map(reference => ({ reference, importer: file }))
}

/** True for a reference that nobody asked us for, whose original is in the output although the module wants no other. */
async function isShippedSmall(
  site: ReferenceSite,
  text: string,
  seen: ReadonlySet<string>,
  ships: (bytes: Buffer) => boolean,
  { projectUpscaler, root, isKept }: Accounts,
): Promise<boolean> {
  const directive = directiveOf(site, projectUpscaler)
  if (directive === undefined) return false
  const { factor } = directive.requests[0]
  // Nearly all of them, without a look at the disk.
  if (seen.has(seenName(resolve(dirname(site.importer ?? ''), directive.path), factor))) return false
  const { resolveReference } = await import('upscale-toolkit/references/sources')
  const source = resolveReference(site.reference, site.importer ?? '', root)
  if (source === undefined || !isFile(source) || isKept?.(source)) return false
  if (seen.has(seenName(source, factor))) return false
  const name = basename(source)
  const isWantedAsItIs = text
    .split(name)
    .slice(1)
    .some(rest => !/^\?[^\s"'`)]*\bupscale\b/.test(rest))
  return !isWantedAsItIs && ships(await readFile(source))
}

/** Several that were asked one after the other, for a host that writes what an earlier build made. */
export function together(asked: ReadonlySet<Asked>): Asked {
  const [first] = asked
  if (first === undefined) throw new Error('a hook ran before the build')
  return {
    parse: site => first.parse(site),
    noticeSlips: (file, text) => first.noticeSlips(file, text),
    wasAsked: site => [...asked].some(one => one.wasAsked(site)),
    *seenPictures() {
      for (const one of asked) yield* one.seenPictures()
    },
  }
}

/** The {@link seenName} of each picture that was asked for. */
function namesOf({ seenPictures }: Asked): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { file, request } of seenPictures()) names.add(seenName(file, request.factor))
  return names
}

function seenName(file: string, factor: number): string {
  return `${factor} ${file}`
}

/** What is written, so that thousands of pictures can be looked for in it. */
interface Written {
  readonly contents: readonly (string | Buffer)[]
  /** SHA-256 of what is no text, hex. */
  readonly digests: ReadonlySet<string>
  /** By how base64 of a picture begins, of which each format has few: what holds that at all. */
  readonly holders: Map<string, readonly (string | Buffer)[]>
}

const BEGINNING = 12

function readyToSearch(written: Iterable<string | Uint8Array>): Written {
  const contents = [...written].map(content =>
    typeof content === 'string'
      ? content
      : Buffer.from(content.buffer, content.byteOffset, content.byteLength),
  )
  const digests = contents.flatMap(content =>
    typeof content === 'string' ? [] : [hash('sha256', content, 'hex')],
  )
  return { contents, digests: new Set(digests), holders: new Map() }
}

function isIn(bytes: Buffer, { contents, digests, holders }: Written): boolean {
  if (digests.has(hash('sha256', bytes, 'hex'))) return true
  const inlined = bytes.toString('base64')
  const beginning = inlined.slice(0, BEGINNING)
  const some = holders.get(beginning) ?? contents.filter(content => content.includes(beginning))
  holders.set(beginning, some)
  return some.some(content => content.includes(inlined))
}

/** What a reference asks for; undefined where it is wrong, which whoever asks for it is told. */
export function directiveOf(
  site: ReferenceSite,
  projectUpscaler: Pick<ProjectUpscaler, 'parse'>,
): Directive | undefined {
  try {
    return projectUpscaler.parse(site)
  } catch (error) {
    // Here only what can be made counts.
    if (!isUpscaleError(error)) throw error
    return undefined
  }
}

/** The error of a reference whose picture ships as it is. */
export function unreplaced(site: ReferenceSite): UpscaleError {
  return withPlace(
    new UpscaleError(
      'LEFTOVER_REFERENCE',
      'the picture ships as it is, since this reference was not replaced',
      {
        hint: 'put upscale() first in plugins; if another plugin reads this place, import the image in JavaScript',
      },
    ),
    site,
  )
}
