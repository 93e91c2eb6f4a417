import type { Directive, UpscaleRequest } from 'upscale-core'
import type { ResolvedConfig } from 'vite'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { type VariantParts, variantCode } from '../variants.ts'
import { type FindFile, fileBeside, sourceOf } from './files.ts'

/**
 * What the Vite plugins of one config share. A build and a dev server differ in what a picture may cost: a build waits
 * for it and pays (build-session.ts), a dev server makes no page wait and buys nothing unasked (dev/session.ts).
 */
export interface ViteSession {
  readonly config: ResolvedConfig
  readonly projectUpscaler: ProjectUpscaler
  /**
   * A picture as a file that Vite can read like any image, with forward slashes.
   * @throws UpscaleError with the image, the reference, the file and the line
   */
  file(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<string>
  /** What `as=metadata` says about a picture. @throws UpscaleError as {@link file} does */
  facts(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<VariantParts['image']>
}

/** Finds the session of a config; undefined before there is one. */
export type SessionOf = (config: ResolvedConfig) => ViteSession | undefined

/** The file of a reference in JavaScript. Vite is asked last, since that costs more than all else about a cached picture. */
export async function findSource(
  { path }: Pick<Directive, 'path'>,
  { importer }: Pick<ReferenceSite, 'importer'>,
  session: ViteSession,
  find: FindFile,
): Promise<string> {
  return fileBeside(path, importer, session.config) ?? sourceOf(path, importer, session, find)
}

/**
 * The file that Vite is handed for a reference that takes one address, with what is not ours in its query.
 * @param form where it stands, for the message when it asks for a text
 * @throws UpscaleError
 */
export async function addressFor(
  site: ReferenceSite,
  form: string,
  session: ViteSession,
  find: FindFile,
): Promise<{ readonly file: string; readonly rest: string }> {
  const { projectUpscaler } = session
  const directive = projectUpscaler.parse(site)
  if (directive.as !== 'url') throw projectUpscaler.addressOnly(directive, site, form)
  const source = await sourceOf(directive.path, site.importer, session, find)
  return { file: await session.file(source, directive.requests[0], site), rest: directive.rest }
}

/**
 * The code of `as=srcset` and `as=metadata`.
 * @param source absolute, with forward slashes
 */
export async function variantFor(
  source: string,
  directive: Directive,
  site: ReferenceSite,
  session: ViteSession,
): Promise<string> {
  const { config, projectUpscaler } = session
  const image = await session.facts(source, directive.requests[0], site)
  const isPublic = config.publicDir !== '' && source.startsWith(`${config.publicDir}/`)
  const path = isPublic ? source.slice(config.publicDir.length) : source
  return variantCode(directive, { path, image }, projectUpscaler.options)
}
