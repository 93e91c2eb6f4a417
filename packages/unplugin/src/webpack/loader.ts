import { dirname, join } from 'node:path'
import { isUpscaleError, type UpscaledImage, type UpscaleRequest } from 'upscale-core'
import { endsAs } from 'upscale-core/internal'
import type { LoaderContext } from 'webpack'
import { readChecked } from '../checked-bytes.ts'
import { type DevPicture, factsOf } from '../dev/pictures.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { AS_TEXT, pathOf } from '../reference.ts'
import { variantCode } from '../variants.ts'
import { nameOf } from './asset-names.ts'

/** Where the loader finds the pictures of its build; not in its options, which are part of a module's identity. */
export const PICTURE_SOURCE: unique symbol = Symbol.for('unplugin-upscale')

/** Gives the loader its pictures. */
export interface PictureSource {
  readonly projectUpscaler: ProjectUpscaler
  /** @throws UpscaleError */
  get(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<SourcedPicture>
}

/** A picture; of a placeholder, the file that changes when there is something better. */
export type SourcedPicture =
  | Extract<DevPicture<UpscaledImage>, { kind: 'finished' }>
  | (Extract<DevPicture<UpscaledImage>, { kind: 'placeholder' }> & { readonly rebuildTrigger: string })

/** Where the loader finds who asked, in a host whose graph can't be read while it grows (Rspack). */
export const ISSUER_OF: unique symbol = Symbol.for('unplugin-upscale/issuer')

/** Set in a host whose errors of a module keep their place without the module failing (webpack; Rspack's lose it). */
export const OUTLIVES_ERRORS: unique symbol = Symbol.for('unplugin-upscale/outlives-errors')

/** @returns the file that asked for a request as written, leading to a file; undefined when unknown */
export type IssuerOf = (request: string, resource: string) => string | undefined

type Context = LoaderContext<unknown> & {
  readonly [PICTURE_SOURCE]?: PictureSource
  readonly [ISSUER_OF]?: IssuerOf
  readonly [OUTLIVES_ERRORS]?: true
}

/** webpack hands over and takes back bytes. */
export const raw = true

/** The loader behind the plugin: the content of `hero.png?upscale=2` is the finished picture. Not for use by hand. */
export default function load(this: Context, original: Buffer): void {
  const callback = this.async()
  produce(this).then(
    content => callback(null, content),
    error => {
      const described = describe(error)
      if (!this[OUTLIVES_ERRORS] || !isLastOfPicture(this)) return callback(described)
      // What a style sheet is extracted with runs the sheet with its pictures, and webpack breaks down over one that was not
      // built. The build fails by the error that is told, without a stack, which would tell it once more.
      described.stack = ''
      this.emitError(described)
      // It may be another one the next time.
      this.cacheable(false)
      callback(null, original)
    },
  )
}

/** True where nothing else reads the bytes, which would find fault with the same picture in its own words. */
function isLastOfPicture({ loaders, resourceQuery }: Context): boolean {
  return loaders.length === 1 && !AS_TEXT.test(resourceQuery)
}

async function produce(context: Context): Promise<string | Buffer> {
  const pictureSource = context[PICTURE_SOURCE]
  if (pictureSource === undefined) throw new Error('add the plugin of unplugin-upscale/webpack to the config')
  const { projectUpscaler } = pictureSource
  const site = mentionOf(context)
  const directive = projectUpscaler.parse(site)
  const [request] = directive.requests
  const source = context.resourcePath
  const picture = await pictureSource.get(source, request, site)
  const path = context.utils.contextify(context.context ?? '/', source)
  if (directive.as === 'url') tellOtherLoaders(context, request, projectUpscaler)
  if (picture.kind === 'finished') {
    const { finished } = picture
    if (directive.as === 'url')
      return readChecked(finished, () => projectUpscaler.finish(source, request, site))
    return variantCode(directive, { path, image: finished }, projectUpscaler.options)
  }
  const { placeholder, rebuildTrigger } = picture
  // A cache of the host, on disk for one, must not keep a placeholder for the picture.
  context.cacheable(false)
  context.addDependency(rebuildTrigger)
  if (directive.as === 'url') return Buffer.from(placeholder.bytes)
  return variantCode(directive, { path, image: factsOf(placeholder, request) }, projectUpscaler.options)
}

/**
 * Loaders after ours (Next.js's own, file-loader) name a file by the path that they see, and a server tells browsers its type
 * by that name, so a picture in another format than its source goes under its own name from here on.
 */
function tellOtherLoaders(
  context: Context,
  { format }: UpscaleRequest,
  projectUpscaler: ProjectUpscaler,
): void {
  const { resourcePath, resourceQuery } = context
  if (format === undefined || endsAs(resourcePath, format)) return
  const folder = dirname(resourcePath)
  const name = nameOf(resourcePath + resourceQuery, folder, projectUpscaler)
  if (name !== undefined) context.resourcePath = join(folder, pathOf(name))
}

/** Who asked, for messages. webpack keeps the request as written on the module and the asker in the graph. */
function mentionOf(context: Context): ReferenceSite {
  const { _module: module, resourcePath, resourceQuery } = context
  const written = module && 'rawRequest' in module ? String(module.rawRequest) : resourcePath + resourceQuery
  const last = written.slice(written.lastIndexOf('!') + 1)
  // The query decides what is made, so what another plugin made of the request counts.
  const reference = last.endsWith(resourceQuery) ? last : resourcePath + resourceQuery
  const issuerOf = context[ISSUER_OF] ?? (() => issuerIn(context))
  const importer = issuerOf(reference, resourcePath)
  return { reference, importer: importer && pathOf(importer) }
}

function issuerIn({ _module: module, _compilation: compilation }: Context): string | undefined {
  const issuer = module && compilation?.moduleGraph.getIssuer(module)
  return issuer?.nameForCondition() ?? undefined
}

/**
 * webpack prints the stack of an error, and ours says all in its message. Its cache on disk keeps plain errors, and complains of
 * classes that it doesn't know.
 */
function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (!isUpscaleError(error)) return error
  const { name, message } = error
  return Object.assign(new Error(message), { name, stack: message })
}
