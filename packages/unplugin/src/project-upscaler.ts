import { basename, dirname, join } from 'node:path'
import {
  createUpscaler,
  type Directive,
  type Importer,
  isUpscaleError,
  type Report,
  type ResolvedOptions,
  type UpscaledImage,
  UpscaleError,
  type UpscaleRequest,
  type Upscaler,
  type UpscalerOptions,
} from 'upscale-core'
import { escapeText, loadEnv, misspelledKeys } from 'upscale-core/internal'
import { local } from 'upscale-local'
import type { SeenPicture, UpscalerView } from 'upscale-toolkit/inspector'
import type { UpscaleRule } from 'upscale-toolkit/rules'
import { createProgress, drainOnSignals } from 'upscale-toolkit/terminal'
import { createEditedPictures } from './edited-pictures.ts'
import { estimateText } from './estimate.ts'
import { type HostLogger, progressOutlet } from './host-logger.ts'
import { isFile } from './is-file.ts'
import { findPlace } from './place.ts'
import { pathOf, queryOf, type ReferenceSite } from './reference.ts'
import { createSeenPictures } from './seen-pictures.ts'
import { type MisspelledKey, slipsIn } from './slips.ts'
import { openTold, type Told } from './told-pictures.ts'
import { workspaceFolder } from './workspace-folder.ts'

/** What every host asks of the upscaler. The only caller of `upscale-core`'s upscaler in this package. */
export interface ProjectUpscaler {
  readonly options: ResolvedOptions
  /** For whoever shows pictures: looks at them, and makes none. */
  readonly view: UpscalerView
  /** Every picture that was asked for, and how far it is. */
  seenPictures(): Iterable<SeenPicture>
  /** True for a reference, as it stands in that module, whose picture was made. */
  wasAsked(site: ReferenceSite): boolean
  /**
   * Takes a tagged reference apart, and tells of keys that are nearly ours where it is known who has the reference: a host
   * that gives it a name asks again, of a path of its own.
   * @throws UpscaleError with the reference, the file and the line
   */
  parse(site: ReferenceSite): Directive
  /** Tells of such keys in a host that never knows who has the reference. */
  noticeTypos(reference: string): void
  /** Tells of pictures in a source whose tag is misspelled, each once. */
  noticeSlips(file: string, text: string): void
  /**
   * The upscaled picture of a file.
   * @param source absolute path
   * @throws UpscaleError with the image, the reference, the file and the line
   */
  finish(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<UpscaledImage>
  /**
   * What {@link finish} gives, at once, where it is known already; undefined where it isn't.
   * @param folder where the picture has a second name, which is used in place of its own
   * @throws UpscaleError as {@link finish}
   */
  recall(
    source: string,
    request: UpscaleRequest,
    site: ReferenceSite,
    folder: string,
  ): UpscaledImage | undefined
  /** To be waited for before a picture is asked for, by whoever asks for many; undefined while there is time. */
  turn(): Promise<void> | undefined
  /**
   * True when {@link finish} would run no engine.
   * @throws UpscaleError as {@link finish}, but for what only an engine can tell
   */
  isAnswered(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<boolean>
  /** The error of a reference whose `as` gives a text, at a place that takes one address. */
  addressOnly(directive: Directive, site: ReferenceSite, form: string): UpscaleError
  report(): Report
  /** What its summaries said. */
  readonly told: Told
  /** A build is over, or nobody waits any longer: what is told of the progress starts anew. */
  settle(): void
  /**
   * Waits for the pictures under way where they may cost money, and begins no other: a build that failed for another
   * reason ends with some, and what is bought is bought.
   */
  drain(): Promise<void>
  /** Drains, and lets go of everything. */
  close(): Promise<void>
}

/** What a bundler knows about the project. */
export interface Project {
  readonly root: string
  /** Folders outside of it that the bundler serves by itself, absolute. */
  readonly include?: readonly string[]
  /** The folder of the `.env` files; undefined when the user switched them off. */
  readonly envDir: string | undefined
  readonly mode: string
  readonly logger: HostLogger
  /** For the images of pages. */
  readonly rules?: readonly UpscaleRule[]
}

/** @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED */
export function createProjectUpscaler(options: UpscalerOptions, project: Project): ProjectUpscaler {
  const { root, envDir, mode, logger, rules = [] } = project
  const onNotice = (text: string): void => logger.warn(text)
  const env = envDir === undefined ? process.env : loadEnv(envDir, mode)
  // Packages of one workspace are parts of one project.
  const workspace = workspaceFolder(root)
  const include = [...(project.include ?? []), ...(workspace === undefined ? [] : [workspace])]
  const upscaler: Upscaler = createUpscaler(withInclude(options, include), {
    // A bundler's root may be a part of the project, `src/`; what is kept, is kept once for the package.
    root: options.root === undefined ? packageFolder(root) : root,
    env,
    engines: { local: local() },
    onNotice,
    beforePaying: async () => onNotice(await estimateText(upscaler, rules)),
  })
  // A build that can't spend money loses nothing by being stopped at once.
  const { engines, frozen } = upscaler.options
  const mayPay = !frozen && [...engines.values()].some(({ billing }) => billing === 'paid')
  const seenPictures = createSeenPictures(upscaler.options.root)
  const forget = mayPay ? drainOnSignals(upscaler, onNotice) : () => {}
  const told = openTold(upscaler.options.root)
  const noticed = new Set<string>()
  // By the query: most pictures of a project have one of few.
  const parsed = new Map<string, Directive>()

  function parse(site: ReferenceSite): Directive {
    const { reference } = site
    const path = pathOf(reference)
    const query = reference.slice(path.length)
    const known = parsed.get(query)
    // By name: V8 would give each object that another is spread into a shape of its own.
    if (known !== undefined)
      return { reference, path, rest: known.rest, as: known.as, requests: known.requests }
    const directive = at(site, () => upscaler.parse(reference))
    const typos = misspelledKeys(reference)
    if (site.importer !== undefined) noticeTypos(reference, () => placeOf(site), typos)
    if (directive === undefined) throw new Error(`not a tagged reference: ${reference}`)
    // What is noticed names its place.
    if (typos.length === 0) parsed.set(query, directive)
    return directive
  }

  function noticeTypos(
    reference: string,
    place: () => Importer | undefined,
    typos: readonly MisspelledKey[],
  ): void {
    for (const typo of typos) {
      const text = escapeText(typoNotice(reference, place(), typo))
      if (noticed.has(text)) continue
      noticed.add(text)
      onNotice(text)
    }
  }

  // By module: one text for each reference would take more than the references.
  const asked = new Map<string, Set<string>>()

  function noteAsked({ reference, importer = '' }: ReferenceSite): void {
    const references = asked.get(importer) ?? new Set()
    asked.set(importer, references.add(reference))
  }

  const progress = createProgress(progressOutlet(logger), () => upscaler.report().spentMicros)
  let underWay = 0
  let isOver = false
  const edited = createEditedPictures(() => isOver)

  /** Made by an engine that is paid, now. */
  async function mustBuy(source: string, request: UpscaleRequest): Promise<boolean> {
    if (!mayPay || engines.get(request.engine)?.billing !== 'paid') return false
    try {
      return (await upscaler.plan(source, request)).state === 'missing'
    } catch {
      return false // whoever makes the picture is told
    }
  }

  const progressKey = (source: string, request: UpscaleRequest): string =>
    `${source}?${queryOf(request, upscaler.options)}`

  async function drain(): Promise<void> {
    isOver = true
    if (!mayPay) return
    if (underWay > 0)
      onNotice('waiting for the pictures under way, which are kept (Ctrl-C, and again, to leave at once)')
    await upscaler.drain()
  }

  return {
    options: upscaler.options,
    view: upscaler,
    seenPictures: seenPictures.all,
    wasAsked: ({ reference, importer = '' }) => asked.get(importer)?.has(reference) === true,
    noticeTypos: reference => noticeTypos(reference, () => undefined, misspelledKeys(reference)),
    noticeSlips(file, text) {
      for (const { reference, keys, line } of slipsIn(file, text)) {
        noticeTypos(reference, () => ({ file, ...(line === undefined ? {} : { line }) }), keys)
      }
    },
    parse,
    async finish(source, request, site) {
      const key = progressKey(source, request)
      const end = progress.begin(key, basename(source))
      const make = (): Promise<UpscaledImage> => upscaler.upscale(source, request)
      underWay++
      try {
        const image = await seenPictures.during(source, request, site, () =>
          mayPay ? edited.during(key, source, () => mustBuy(source, request), make) : make(),
        )
        end(image.origin === 'cache' ? 'cached' : 'worked')
        noteAsked(site)
        return image
      } catch (error) {
        end('worked')
        throw placed(error, site)
      } finally {
        underWay--
      }
    },
    recall(source, request, site, folder) {
      const image = at(site, () => upscaler.recall(source, request, folder))
      if (image === undefined) return undefined
      seenPictures.note(source, request, site)
      progress.note()
      noteAsked(site)
      return image
    },
    turn: () => upscaler.turn(),
    async isAnswered(source, request, site) {
      seenPictures.note(source, request, site)
      try {
        const { state } = await upscaler.plan(source, request)
        return ['finished', 'answered', 'remote'].includes(state)
      } catch (error) {
        throw placed(error, site)
      }
    },
    addressOnly: (directive, site, form) =>
      withPlace(
        new UpscaleError(
          'BAD_DIRECTIVE',
          `as=${directive.as} can't stand in ${form}, which takes one address`,
          {
            hint: `remove as=${directive.as} here, or import the image in JavaScript`,
          },
        ),
        site,
      ),
    report: () => upscaler.report(),
    told,
    settle: () => progress.reset(),
    drain,
    async close() {
      progress.reset()
      told.end()
      await drain()
      forget()
      await upscaler.close()
    },
  }
}

function placeOf({ reference, importer }: ReferenceSite): Importer | undefined {
  return importer === undefined ? undefined : findPlace(importer, reference)
}

/** The text about a key that is nearly one of ours, which goes to whoever reads the rest of the query. */
function typoNotice(
  reference: string,
  place: Importer | undefined,
  { written, meant }: MisspelledKey,
): string {
  const where = place === undefined ? '' : ` in ${[place.file, place.line].filter(Boolean).join(':')}`
  // What stands in no query has its sign before it.
  const mark = /^\w/.test(written) ? '' : '?'
  return `"${reference}"${where}: "${written}" is no key of ours, did you mean "${mark}${meant}"?`
}

/** A wrong `include` stays as it is, for the check of the options. */
function withInclude(options: UpscalerOptions, more: readonly string[]): UpscalerOptions {
  const { include = [] } = options
  return more.length === 0 || !Array.isArray(include)
    ? options
    : { ...options, include: [...include, ...more] }
}

/** The nearest folder with a package.json, from a folder upwards; the folder itself when there is none. */
function packageFolder(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (isFile(join(at, 'package.json'))) return at
    if (dirname(at) === at) return folder
  }
}

function at<T>(site: ReferenceSite, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw placed(error, site)
  }
}

function placed(error: unknown, site: ReferenceSite): unknown {
  return isUpscaleError(error) ? withPlace(error, site) : error
}

/** The same error, which also says who wrote the reference and where. */
export function withPlace(error: UpscaleError, site: ReferenceSite): UpscaleError {
  const importer = placeOf(site)
  const placed = error.at({ reference: site.reference, ...(importer === undefined ? {} : { importer }) })
  // Vite prints the stacks of a plugin's error and of its cause, which would lead into our code.
  placed.stack = `${placed.name}: ${placed.message}`
  if (placed.cause instanceof Error) placed.cause.stack = `${placed.cause.name}: ${placed.cause.message}`
  return placed
}

/** The error of a picture that the config leaves to whoever runs the output, where no such file is. */
export function declaredExternal(site: ReferenceSite): UpscaleError {
  return withPlace(
    new UpscaleError(
      'LEFTOVER_REFERENCE',
      'the config declares this picture external, so it would not be built',
      {
        hint: 'let the externals of the config leave tagged pictures alone, or remove the tag',
      },
    ),
    site,
  )
}
