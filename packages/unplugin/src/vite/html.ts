import { dirname, resolve } from 'node:path'
import type { Directive } from 'upscale-core'
import {
  findCandidates,
  mayHoldTags,
  printSrcset,
  type SrcsetCandidate,
  type TextEdit,
  withEdits,
} from 'upscale-toolkit/references'
import type { HtmlAttribute, HtmlElement } from 'upscale-toolkit/references/elements'
import type { UpscaleRule } from 'upscale-toolkit/rules'
import type { HtmlAssetSource, ResolvedConfig } from 'vite'
import { isFile } from '../is-file.ts'
import type { ReferenceSite } from '../reference.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { type FindFile, publicFile, sourceOf } from './files.ts'
import { decodePath, relativeUrl } from './paths.ts'
import { addressFor, type ViteSession } from './session.ts'

/**
 * The attributes that Vite 6 to 8 read as assets. Vite doesn't export its list. An attribute that is missing here stays
 * untouched and is reported as left over; one that Vite doesn't handle would ship the path of a slot.
 */
const SOURCES: Readonly<Record<string, HtmlAssetSource>> = {
  audio: { srcAttributes: ['src'] },
  embed: { srcAttributes: ['src'] },
  img: { srcAttributes: ['src'], srcsetAttributes: ['srcset'] },
  image: { srcAttributes: ['href', 'xlink:href'] },
  input: { srcAttributes: ['src'] },
  link: { srcAttributes: ['href'], srcsetAttributes: ['imagesrcset'] },
  object: { srcAttributes: ['data'] },
  source: { srcAttributes: ['src'], srcsetAttributes: ['srcset'] },
  track: { srcAttributes: ['src'] },
  use: { srcAttributes: ['href', 'xlink:href'] },
  video: { srcAttributes: ['src', 'poster'] },
  meta: { srcAttributes: ['content'], filter: ({ attributes }) => isImageMeta(attributes) },
}

const IMAGE_META = [
  'msapplication-tileimage',
  'msapplication-square70x70logo',
  'msapplication-square150x150logo',
  'msapplication-wide310x150logo',
  'msapplication-square310x310logo',
  'twitter:image',
  'og:image',
  'og:image:url',
  'og:image:secure_url',
]

/** The page with a tagged `srcset` for each image that a rule chose. */
export async function applyRules(
  html: string,
  filename: string,
  rules: readonly UpscaleRule[],
  session: Pick<ViteSession, 'config' | 'projectUpscaler'>,
): Promise<string> {
  if (rules.length === 0) return html
  const { findRuledImages, tagRuledImages } = await import('upscale-toolkit/rules')
  const { root, factor } = session.projectUpscaler.options
  const fileOf = (address: string): Promise<string> => {
    const path = pathOf(withEnvironment(address.trim(), session.config))
    return sourceOf(decodePath(path), filename, session, async () => undefined)
  }
  return tagRuledImages(html, await findRuledImages(html, rules, { file: filename, root, factor, fileOf }))
}

/**
 * Makes tagged attributes of a page point at slots, by a path relative to the page; Vite does the rest. Inline
 * `style` and `<style>` are style sheets to Vite and reach css.ts by themselves.
 */
export async function rewriteHtml(html: string, filename: string, session: ViteSession): Promise<string> {
  // The parser takes its time to load, so only pages with a tag get it, which may come with what Vite puts in.
  if (!mayHoldTags(withEnvironment(html, session.config))) return html
  const { elementsOf } = await import('upscale-toolkit/references/elements')
  const elements = [...elementsOf(html)]
  const page: Page = { filename, find: findByBase(elements, filename, session.config) }
  const edits: TextEdit[] = []
  for (const element of elements) {
    for (const { attribute, isSrcset } of assetAttributes(element, session.config)) {
      const value = isSrcset
        ? await rewriteSrcset(attribute.value, page, session)
        : await rewriteAddress(attribute.value, page, session)
      if (value === undefined) continue
      const name = html.slice(attribute.start, attribute.end).split('=', 1)[0]
      edits.push({
        start: attribute.start,
        end: attribute.end,
        text: `${name}="${escapeAttribute(value)}"`,
      })
    }
  }
  return withEdits(
    html,
    edits.sort((a, b) => a.start - b.start),
  )
}

/** A page, and how its addresses are looked for where none is found beside it. */
interface Page {
  readonly filename: string
  readonly find: FindFile
}

/**
 * Vite takes no notice of `<base href>`, and leaves an address alone that names no file beside the page; a browser then
 * finds it in the public folder.
 */
function findByBase(elements: readonly HtmlElement[], filename: string, config: ResolvedConfig): FindFile {
  const href = elements
    .find(({ name }) => name === 'base')
    ?.attributes.find(({ name }) => name === 'href')?.value
  return async path => {
    if (href === undefined || isFile(resolve(dirname(filename), path))) return undefined
    const start = new URL(withEnvironment(href, config), 'http://site.invalid')
    const address = new URL(encodeURI(path), start)
    return publicFile(decodePath(address.pathname), config)
  }
}

function assetAttributes(
  { name, attributes }: HtmlElement,
  config: ResolvedConfig,
): { attribute: HtmlAttribute; isSrcset: boolean }[] {
  const byName = Object.fromEntries(attributes.map(attribute => [attribute.name, attribute.value]))
  if ('vite-ignore' in byName) return []
  const sources = [SOURCES[name], config.html?.additionalAssetSources?.[name]].filter(
    source => source !== undefined,
  )
  return attributes.flatMap(attribute => {
    const { name: key, value } = attribute
    const source = sources.find(one => !one.filter || one.filter({ key, value, attributes: byName }))
    const isSrcset = source?.srcsetAttributes?.includes(key) ?? false
    return isSrcset || source?.srcAttributes?.includes(key) ? [{ attribute, isSrcset }] : []
  })
}

function isImageMeta({ name, property }: Readonly<Record<string, string>>): boolean {
  return [name, property].some(
    value => value !== undefined && IMAGE_META.includes(value.trim().toLowerCase()),
  )
}

async function rewriteAddress(
  value: string,
  { filename, find }: Page,
  session: ViteSession,
): Promise<string | undefined> {
  const reference = withEnvironment(value.trim(), session.config)
  if (!isTaggedImage(reference)) return undefined
  const site = { reference: withDecodedPath(reference), importer: filename }
  const { file, rest } = await addressFor(site, 'this attribute', session, find)
  return relativeUrl(filename, file) + rest
}

async function rewriteSrcset(srcset: string, page: Page, session: ViteSession): Promise<string | undefined> {
  const candidates = [...findCandidates(srcset)].map(candidate => ({
    ...candidate,
    address: withEnvironment(candidate.address, session.config),
  }))
  if (!candidates.some(({ address }) => isTaggedImage(address))) return undefined
  const rewritten = await Promise.all(candidates.map(candidate => rewriteCandidate(candidate, page, session)))
  return printSrcset(rewritten.flat())
}

/** `as=srcset` is at home in a `srcset`: one candidate becomes the original and its pictures. */
async function rewriteCandidate(
  candidate: SrcsetCandidate,
  page: Page,
  session: ViteSession,
): Promise<SrcsetCandidate[]> {
  if (!isTaggedImage(candidate.address)) return [candidate]
  const site = { reference: withDecodedPath(candidate.address), importer: page.filename }
  const directive = session.projectUpscaler.parse(site)
  if (directive.as !== 'srcset') {
    const address = await rewriteAddress(candidate.address, page, session)
    return [{ address: address ?? candidate.address, descriptor: candidate.descriptor }]
  }
  const original = { address: pathOf(candidate.address) + directive.rest, descriptor: '1x' }
  return [original, ...(await pictureCandidates(directive, site, page, session))]
}

async function pictureCandidates(
  directive: Directive,
  site: ReferenceSite,
  { filename, find }: Page,
  session: ViteSession,
): Promise<SrcsetCandidate[]> {
  const source = await sourceOf(directive.path, filename, session, find)
  return Promise.all(
    directive.requests.map(async request => {
      const file = await session.file(source, request, site)
      return { address: relativeUrl(filename, file) + directive.rest, descriptor: `${request.factor}x` }
    }),
  )
}

/** Puts in what Vite would put in for `%BASE_URL%` and `%VITE_…%`, later than this; under the base lies the site's root. */
function withEnvironment(address: string, { env, base }: ResolvedConfig): string {
  const text = address.replace(/%(\S+?)%/g, (written, name) => (name in env ? String(env[name]) : written))
  const isUnderBase = text !== address && base.startsWith('/') && text.startsWith(base)
  return isUnderBase ? text.slice(base.length - 1) : text
}

function withDecodedPath(reference: string): string {
  const path = pathOf(reference)
  return decodePath(path) + reference.slice(path.length)
}

function escapeAttribute(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
}

/**
 * Takes the hook for pages away from a plugin where there are none: SvelteKit writes its own, never calls the hook, and
 * warns of every plugin that has it. To be called while the config is resolved, by a plugin that comes first.
 */
export function withdrawHtmlHook({ plugins }: ResolvedConfig, owner: string): void {
  if (!plugins.some(({ name }) => name === 'vite-plugin-sveltekit-setup')) return
  for (const plugin of plugins) if (plugin.name === owner) delete plugin.transformIndexHtml
}
