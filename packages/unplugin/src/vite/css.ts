import { resolve } from 'node:path'
import { isUpscaleError, type UpscaleError } from 'upscale-core'
import { TAGGED } from 'upscale-core/internal'
import { findStyleTexts, type TextEdit } from 'upscale-toolkit/references'
import type { Alias } from 'vite'
import { type EditedCode, editCode } from '../edited-code.ts'
import { isTaggedImage, pathOf, type ReferenceSite } from '../reference.ts'
import { atWrittenPlace } from '../written-place.ts'
import { type FindFile, publicFile } from './files.ts'
import { decodePath, relativeUrl } from './paths.ts'
import { addressFor, type ViteSession } from './session.ts'

/**
 * Lets the resolver that Vite uses for style sheets see tagged references. That resolver holds the alias plugin and
 * Vite's own and no user plugin, so an alias entry is the only way in that reaches imported files, partials, and
 * names that a preprocessor put together.
 *
 * It must be added to the front of `resolve.alias` (or a user's `@` would take the reference first), and while the
 * build starts: in the `config` hook Vite prints a deprecation warning for `customResolver`, and in `configResolved`
 * it gives up its native alias plugin for the whole build.
 */
export function cssResolver(session: ViteSession): Alias {
  return aliasTo(TAGGED, session)
}

/**
 * The same for the dev server, of which Vite reads the file itself: it inlines the original otherwise. All others are
 * served by address.
 */
export function inlineCssResolver(session: ViteSession): Alias {
  return aliasTo(TAGGED_INLINE, session)
}

/** A tagged reference with the key by which Vite inlines a file. It matches all of the text, which an alias replaces. */
const TAGGED_INLINE = new RegExp(`^(?=.*${TAGGED.source})(?=.*[?&]inline\\b).*$`)

function aliasTo(find: RegExp, session: ViteSession): Alias {
  const resolveId: AsyncResolver = async function (id, importer, options) {
    if (!isTaggedImage(id) || isScript(importer)) return null
    const site = { reference: id, importer: importer && pathOf(importer) }
    const askVite: FindFile = async path => {
      // skipSelf: false, or the user's own aliases would be skipped along with this one.
      const resolved = await this.resolve(path, importer, { ...options, skipSelf: false })
      return resolved ? pathOf(resolved.id) : undefined
    }
    try {
      const { file, rest } = await addressFor(site, 'a style sheet', session, askVite)
      return { id: file + rest }
    } catch (error) {
      throw isUpscaleError(error) ? await asStyleError(error, site, session) : error
    }
  }
  // Vite awaits the answer, as for any resolveId hook; its type for this place forgot so.
  return { find, replacement: '$&', customResolver: resolveId as unknown as Resolver }
}

/**
 * The error in the form that Vite expects of errors in style sheets: with `file`, `line` and `column`, without which it
 * prints "undefined:NaN".
 */
async function asStyleError(
  error: UpscaleError,
  site: ReferenceSite,
  session: ViteSession,
): Promise<UpscaleError> {
  const { config, projectUpscaler } = session
  const outputs = [resolve(config.root, config.build.outDir)]
  const placed = await atWrittenPlace(error, { root: projectUpscaler.options.root, outputs })
  // Vite changes the message, so that a stack that has it would be printed as well.
  placed.stack = ''
  const { file = site.importer, line = 1, column = 1 } = placed.details.importer ?? {}
  return Object.assign(placed, { file, line, column })
}

/**
 * True for an importer that is no style sheet. Aliases are made anew for the bundle of a worker, which then asks this one
 * for what its code imports; that is answered as in a page.
 */
function isScript(importer: string | undefined): boolean {
  return (
    importer !== undefined &&
    /\.[cm]?[jt]sx?$/.test(pathOf(importer)) &&
    !/[?&](?:lang\.|type=style)/.test(importer)
  )
}

type Resolver = Extract<NonNullable<Alias['customResolver']>, (...args: never[]) => unknown>
type AsyncResolver = (
  this: ThisParameterType<Resolver>,
  ...args: Parameters<Resolver>
) => Promise<Awaited<ReturnType<Resolver>>>

/**
 * Vite looks for images of the public folder before any resolver, so these are rewritten in the text. That reaches the
 * sheet itself, not what a preprocessor or an `@import` adds; such a reference is reported as left over.
 */
export async function rewritePublicImages(
  css: string,
  id: string,
  session: ViteSession,
): Promise<EditedCode | null> {
  const importer = pathOf(id)
  const edits: TextEdit[] = []
  for (const { value, start, end } of findStyleTexts(css)) {
    if (!isTaggedImage(value) || publicFile(decodePath(pathOf(value)), session.config) === undefined) continue
    const site = { reference: value, importer }
    const { file, rest } = await addressFor(site, 'a style sheet', session, async () => undefined)
    edits.push({ start, end, text: relativeUrl(importer, file) + rest })
  }
  return editCode(css, edits)
}
