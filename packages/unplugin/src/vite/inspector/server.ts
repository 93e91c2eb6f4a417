import { randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isUpscaleError, type ResolvedOptions } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import {
  createInspection,
  type InspectedPicture,
  type PageOptions,
  type PictureAction,
  renderPage,
  renderState,
  type ShownPicture,
} from 'upscale-toolkit/inspector'
import { isSourceIn } from 'upscale-toolkit/references/sources'
import type { ViteDevServer } from 'vite'
import { isFile } from '../../is-file.ts'
import type { BuildOptions } from '../../options.ts'
import { projectPictures } from '../../project-pictures.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../../project-upscaler.ts'
import { pathOf } from '../../reference.ts'
import type { DevSession } from '../dev/session.ts'
import { publicFile } from '../files.ts'
import { projectOf } from '../logger.ts'
import { decodePath } from '../paths.ts'
import { isOwnPage, isOwnRequest, readJson, refuse, send } from './http.ts'

/*
 * The page and what it asks for, below `/__upscale/`:
 *
 *     GET  /                    the page
 *     GET  /pictures.json       what changed since a revision
 *     GET  /before/<id>         the source of a picture
 *     GET  /after/<id>          the finished file
 *     POST /make                has pictures made
 *
 * Files are named by ids of pictures that the upscaler has let through, never by paths. A POST must come from this very
 * page: it has the right origin, and the token that stands in the page. One that costs money must name the price.
 */

export interface InspectorServer {
  /** @param path what stands behind `/__upscale`, with its query */
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>
  close(): Promise<void>
}

/** How long a request waits for a look at the pictures, in milliseconds; the page asks again for what takes longer. */
const PATIENCE_MS = 250

const ABOUT =
  'Every tagged picture of the sources, and every one that the dev server met. They are shown pixel by pixel; drag ' +
  'the line between before and after, or move it with the arrow keys.'

export function createInspectorServer(
  options: BuildOptions,
  session: DevSession,
  server: ViteDevServer,
): InspectorServer {
  const { config, projectUpscaler } = session
  const token = randomBytes(24).toString('hex')
  const maker = createMaker(options, session)
  let news = ''
  const outDir = resolve(config.root, config.build.outDir)
  const inspection = createInspection({
    ...projectPictures(projectUpscaler, [outDir], options.rules),
    seenPictures: () => [
      ...projectUpscaler.seenPictures(),
      ...(maker === projectUpscaler ? [] : maker.seenPictures()),
    ],
    resolve: (path, source) => resolveByVite(path, source, server),
  })
  server.watcher.on('all', (_, file) => {
    if (isSourceIn(projectUpscaler.options.root, file)) inspection.forgetSources()
  })

  function pictures(): { readonly shown: ShownPicture; readonly wanted: InspectedPicture['wanted'] }[] {
    return inspection.pictures().map(({ shown, wanted }) => ({ shown: complete(shown), wanted }))
  }

  /** Adds where a picture is to be seen, and what can be done about it. */
  function complete(shown: ShownPicture): ShownPicture {
    const { id, original, finished } = shown
    const action = actionOf(shown, maker.options, options.dev)
    const { width, height } = finished ?? original ?? {}
    return {
      ...shown,
      ...(action === undefined ? {} : { action }),
      ...(original === undefined || width === undefined || height === undefined
        ? {}
        : {
            views: {
              before: `before/${id}?${original.digest.slice(0, 12)}`,
              ...(finished === undefined ? {} : { after: `after/${id}?${finished.digest.slice(0, 12)}` }),
              width,
              height,
            },
          }),
    }
  }

  function pageOptions(): PageOptions {
    return {
      project: basename(projectUpscaler.options.root),
      paidMicros: inspection.paidMicros,
      about: ABOUT,
      live: {
        base: './',
        // Relative, since a proxy may serve all of it below a path of its own.
        editor: '../__open-in-editor',
        token,
        budgetMicros: maker.options.budgetMicros,
      },
    }
  }

  async function look(): Promise<void> {
    const done = inspection.look()
    await Promise.race([done, sleep(PATIENCE_MS, undefined, { ref: false })])
  }

  async function sendPage(response: ServerResponse): Promise<void> {
    // Another process may have changed the cache; a page that is loaded again tells.
    inspection.forgetPictures()
    inspection.forgetSources()
    await look()
    const text = renderPage(
      pictures().map(({ shown }) => shown),
      pageOptions(),
    )
    send(response, 200, 'text/html; charset=utf-8', text)
  }

  async function sendState(query: string, response: ServerResponse): Promise<void> {
    await look()
    const { revision } = inspection
    const shown = pictures().map(one => one.shown)
    const working = shown.filter(({ state }) => state === 'working').length
    const isBusy = working > 0 || shown.some(({ state }) => state === 'looking')
    const status = working > 0 ? `${working} in work` : news
    const isKnown = new URLSearchParams(query).get('revision') === String(revision)
    const state = isKnown ? {} : renderState(shown, pageOptions())
    send(response, 200, 'application/json', JSON.stringify({ revision, isBusy, status, ...state }))
  }

  async function sendPicture(
    side: string,
    id: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const picture = inspection.pictures().find(({ shown }) => shown.id === id)?.shown
    const file = side === 'before' ? picture?.original : picture?.finished
    if (file === undefined) return refuse(response, 404, 'there is no such picture')
    const etag = `"${file.digest}"`
    response.setHeader('ETag', etag)
    if (request.headers['if-none-match'] === etag) return send(response, 304)
    const bytes = await readFile(file.file).catch(() => undefined)
    if (bytes === undefined) return refuse(response, 404, 'the picture is gone')
    send(response, 200, `image/${file.format}`, bytes)
  }

  async function make(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOwnRequest(request) || !hasToken(request, token)) {
      return refuse(response, 403, 'this was not asked for by the page; load it again')
    }
    const order = readMakeCommand(await readJson(request))
    if (order === undefined) return refuse(response, 400, 'not an order')
    // Prices and states as they are now, not as the page may still show them.
    inspection.forgetPictures()
    await inspection.look()
    const { ids, confirmedMicros } = order
    const chosen = pictures().filter(({ shown: { id, action } }) =>
      ids === 'free' ? action?.kind === 'free' : ids.includes(id),
    )
    const idle = chosen.find(({ shown: { action } }) => action === undefined || action.kind === 'none')
    if (chosen.length === 0 || idle !== undefined) {
      return refuse(response, 409, idle === undefined ? 'nothing is to be made' : reasonAgainst(idle.shown))
    }
    const toConfirm = chosen.flatMap(({ shown: { action } }) =>
      action?.kind === 'paid' && action.confirm ? [action.priceMicros] : [],
    )
    const priceMicros = toConfirm.reduce((sum, price) => sum + price, 0)
    if (toConfirm.length > 0 && confirmedMicros !== priceMicros) {
      return refuse(response, 409, `this costs ${dollars(priceMicros)}, which was not confirmed`)
    }
    begin(chosen)
    send(response, 202, 'application/json', JSON.stringify({ begun: chosen.length }))
  }

  function begin(chosen: readonly ReturnType<typeof pictures>[number][]): void {
    const work = chosen.map(async ({ shown: { name, action }, wanted }) => {
      if (wanted === undefined) return false
      const { file, request } = wanted
      const by = action?.kind === 'free' && options.dev !== 'off' ? projectUpscaler : maker
      try {
        await by.finish(file, { ...request, onError: 'error' }, { reference: name, importer: undefined })
        news = `${name} is finished`
        return true
      } catch (error) {
        if (!isUpscaleError(error)) throw error
        news = `${name} failed: ${error.problem}`
        config.logger.error(`[upscale] ${error.message}`)
        return false
      }
    })
    Promise.all(work).then(
      made => {
        if (made.includes(true)) session.reload()
      },
      error => session.tell(error),
    )
  }

  return {
    async answer(path, request, response) {
      const [, place = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(path) ?? []
      const { method = '' } = request
      response.setHeader('X-Content-Type-Options', 'nosniff')
      response.setHeader('Content-Security-Policy', "frame-ancestors 'self'")
      response.setHeader('Referrer-Policy', 'same-origin')
      response.setHeader('Cache-Control', 'no-cache')
      // Vite lets pages of other ports of this machine read what it serves; the token is not for them.
      response.removeHeader('Access-Control-Allow-Origin')
      if (method === 'POST')
        return place === '/make' ? make(request, response) : refuse(response, 404, 'no such address')
      if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'GET or POST')
      if (place === '') {
        response.setHeader('Location', `${config.base}__upscale/`)
        return send(response, 302)
      }
      if (!isOwnPage(request)) return refuse(response, 403, 'this is not for other sites')
      if (place === '/') return sendPage(response)
      if (place === '/pictures.json') return sendState(query, response)
      const [, side = '', id = ''] = /^\/(before|after)\/([\da-f]{16})$/.exec(place) ?? []
      return side === '' ? refuse(response, 404, 'no such address') : sendPicture(side, id, request, response)
    },
    async close() {
      if (maker !== projectUpscaler) await maker.close()
    },
  }
}

/**
 * Who makes what a person asked for by name. The dev server's own upscaler is held back as the option `dev` says; this
 * one follows the other options alone, `frozen` and `budget` among them.
 */
function createMaker(
  { upscaler, dev }: BuildOptions,
  { config, projectUpscaler }: DevSession,
): ProjectUpscaler {
  if (dev === 'full') return projectUpscaler
  return createProjectUpscaler(upscaler, projectOf(config))
}

function actionOf(
  { state, billing, priceMicros }: ShownPicture,
  { frozen, budgetMicros }: ResolvedOptions,
  dev: BuildOptions['dev'],
): PictureAction | undefined {
  if (state === 'answered' || state === 'remote') return { kind: 'free' }
  if (state !== 'missing') return undefined
  if (billing === 'free') return { kind: 'free' }
  if (frozen) return { kind: 'none', why: 'Paid engines are frozen here.' }
  if (priceMicros > budgetMicros) {
    const why = `It costs ${dollars(priceMicros)}, more than the budget of a run, ${dollars(budgetMicros)}.`
    return { kind: 'none', why }
  }
  return { kind: 'paid', priceMicros, confirm: dev !== 'full' }
}

function reasonAgainst({ name, state, action, message }: ShownPicture): string {
  if (action?.kind === 'none') return `${name}: ${action.why}`
  return `${name}: ${message ?? `there is nothing to make, it is ${state}`}`
}

interface MakeCommand {
  readonly ids: 'free' | readonly string[]
  readonly confirmedMicros: number | undefined
}

function readMakeCommand(value: unknown): MakeCommand | undefined {
  if (typeof value !== 'object' || value === null || !('ids' in value)) return undefined
  const { ids } = value
  const confirmedMicros = 'confirmedMicros' in value ? value.confirmedMicros : undefined
  if (confirmedMicros !== undefined && typeof confirmedMicros !== 'number') return undefined
  if (ids === 'free') return { ids, confirmedMicros }
  const isList = Array.isArray(ids) && ids.every((id): id is string => typeof id === 'string')
  return isList ? { ids, confirmedMicros } : undefined
}

function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = Buffer.from(String(headers['x-upscale-token'] ?? ''))
  const wanted = Buffer.from(token)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** A path that no file stands beside: in the public folder, or what an alias of the project makes of it. */
async function resolveByVite(
  path: string,
  source: string,
  server: ViteDevServer,
): Promise<string | undefined> {
  if (/^\.\.?\//.test(path)) return undefined
  const found = publicFile(decodePath(path), server.config)
  if (found !== undefined) return found
  try {
    const resolved = await server.environments.client.pluginContainer.resolveId(path, source)
    const file = resolved === null ? undefined : pathOf(resolved.id)
    return file !== undefined && isFile(file) ? file : undefined
  } catch {
    // Another plugin's resolver, which may throw for what it wasn't made for; a search by name follows.
    return undefined
  }
}
