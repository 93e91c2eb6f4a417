import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isUpscaleError } from 'upscale-core'
import { createRounds, escapeText } from 'upscale-core/internal'
import type { Connect, ResolvedConfig } from 'vite'
import type { DevPicture } from '../../dev/pictures.ts'
import { isFile } from '../../is-file.ts'
import { isTaggedImage, pathOf } from '../../reference.ts'
import type { Slot } from '../../slots.ts'
import { isForeignRequest } from '../inspector/http.ts'
import { decodePath } from '../paths.ts'
import { fileOfPath } from './module-pictures.ts'
import { isServed } from './served-files.ts'
import type { DevSession } from './session.ts'

/*
 * In dev every form of reference ends as a request for `<path>?upscale=2`, whoever wrote it and whether or not a hook saw
 * it: JavaScript, style sheets, pages, templates, addresses put together at run time. So one middleware serves all.
 */

/** Answers requests for tagged images. Requests of modules pass through, they get what Vite makes of an image. */
export function serveTaggedImages(session: DevSession): Connect.NextHandleFunction {
  // A page of hundreds of pictures asks for all of them at once, and its modules come in between.
  const rounds = createRounds()
  return (request, response, next) => {
    const reference = referenceOf(request, session.config)
    if (reference === undefined) return next()
    if (isForeignRequest(request, session.config)) {
      const hint =
        'a picture that an engine makes is not for pages of other sites; server.cors.origin of Vite allows one'
      return send(response, 403, { 'Content-Type': 'text/plain; charset=utf-8' }, hint)
    }
    if (isOfModule(request)) return next()
    const isAnswered = async (): Promise<boolean> => {
      await rounds.turn()
      return answer(reference, request, response, session)
    }
    isAnswered().then(
      isDone => (isDone ? undefined : next()),
      error => {
        session.tell(error)
        // Images have no place for a text, but the network panel and a tab of its own do.
        send(response, 500, { 'Content-Type': 'text/plain; charset=utf-8' }, messageOf(error))
      },
    )
  }
}

/** The reference as it counts from the root of the site, its path decoded; undefined for any other request. */
function referenceOf({ method, url = '' }: IncomingMessage, { base }: ResolvedConfig): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  // In middleware mode a parent may have taken the base away already.
  const path = url.startsWith(base) ? `/${url.slice(base.length)}` : url
  const reference = decodePath(pathOf(path)) + path.slice(pathOf(path).length)
  return isTaggedImage(reference) && !reference.includes('\0') ? reference : undefined
}

/** True for a request that Vite answers with a module. */
function isOfModule({ url = '' }: IncomingMessage): boolean {
  return new URLSearchParams(url.slice(pathOf(url).length)).has('import')
}

/** @returns false when there is no such file, which is Vite's to answer */
async function answer(
  reference: string,
  request: IncomingMessage,
  response: ServerResponse,
  session: DevSession,
): Promise<boolean> {
  const { config, projectUpscaler } = session
  const source = fileOfPath(pathOf(reference), config)
  if (!(await isServed(source, config))) {
    const hint = 'the file is outside of what server.fs allows to be served'
    send(response, 403, { 'Content-Type': 'text/plain; charset=utf-8' }, hint)
    return true
  }
  if (!isFile(source)) {
    config.logger.warnOnce(
      `[upscale] ${escapeText(`${reference}: there is no such file, looked for ${source}`)}`,
    )
    return false
  }
  const site = { reference, importer: undefined }
  const directive = projectUpscaler.parse(site)
  projectUpscaler.noticeTypos(reference)
  if (directive.as !== 'url') throw projectUpscaler.addressOnly(directive, site, 'a request for an image')
  const picture = await session.picture(source, directive.requests[0], site)
  await sendPicture(picture, request, response, config)
  return true
}

async function sendPicture(
  picture: DevPicture<Slot>,
  { headers }: IncomingMessage,
  response: ServerResponse,
  config: ResolvedConfig,
): Promise<void> {
  const common = { ...config.server.headers }
  if (picture.kind === 'placeholder') {
    const { type, bytes } = picture.placeholder
    send(response, 200, { ...common, 'Content-Type': type, 'Cache-Control': 'no-store' }, bytes)
    return
  }
  const { file, image } = picture.finished
  const etag = `"${image.digest}"`
  const validators = { ...common, 'Cache-Control': 'no-cache', ETag: etag }
  if (headers['if-none-match']?.includes(etag)) return send(response, 304, validators)
  send(response, 200, { ...validators, 'Content-Type': `image/${image.format}` }, await readFile(file))
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number | string[] | undefined>>,
  body?: string | Uint8Array,
): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value)
  }
  if (body !== undefined) response.setHeader('Content-Length', Buffer.byteLength(body))
  // Node leaves the body out of the answer to a HEAD request.
  response.end(body)
}

function messageOf(error: unknown): string {
  // Anything else may hold more than a page should know.
  return isUpscaleError(error) ? error.message : 'the image could not be upscaled; the terminal says more'
}
