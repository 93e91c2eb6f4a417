import { basename, relative } from 'node:path'
import { isUpscaleError, type UpscaledImage, UpscaleError, type UpscalerOptions } from 'upscale-core'
import { endsAs } from 'upscale-core/internal'
import { readChecked } from '../checked-bytes.ts'
import { createProjectUpscaler, type ProjectUpscaler, withPlace } from '../project-upscaler.ts'
import { AS_TEXT, isTaggedImage } from '../reference.ts'
import { variantCode } from '../variants.ts'

/** What the rules hand to the loader. Part of a module's identity in Turbopack's cache, like its source. */
export type TurbopackLoaderOptions =
  | {
      /** Options of the upscaler, as JSON. */
      readonly upscaler: string
      /** Changes with everything else that decides what is made. */
      readonly revision: string
      /** Where rules know names only, what is made must be of the type that the name says. */
      readonly isByName?: boolean
    }
  | {
      /** Names of options whose values Turbopack can't hand over. */
      readonly refused: readonly string[]
    }

/** What is used of what Turbopack gives a loader. */
interface Context {
  readonly resourcePath: string
  readonly resourceQuery: string
  /** Folder of the project. */
  readonly rootContext: string
  readonly mode?: string
  getOptions(): TurbopackLoaderOptions
  emitWarning(warning: Error): void
  emitError(error: Error): void
  async(): (error: Error | null, content?: string | Buffer) => void
}

/** A PNG of one transparent pixel. */
const ANY_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const ANY_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

/** Turbopack hands over and takes back bytes. */
export const raw = true

/** The loader behind `unplugin-upscale/next`: the content of a tagged image is its picture. Not for use by hand. */
export default function load(this: Context, content: Buffer): void {
  const callback = this.async()
  produce(this, content).then(
    result => callback(null, result),
    error => {
      const described = describe(error)
      const isByName = 'isByName' in this.getOptions()
      // The Turbopack of those versions ends in a panic of its own when a loader gives no image, and shows nothing else.
      if (isByName) process.stderr.write(`${described.message}\n`)
      if (isByName || AS_TEXT.test(this.resourceQuery)) return callback(described)
      // Newer ones say first, and at length, that there is no image, so they are given one; the error fails the build.
      this.emitError(described)
      callback(null, /\.svg$/i.test(this.resourcePath) ? ANY_SVG : ANY_PNG)
    },
  )
}

async function produce(context: Context, content: Buffer): Promise<string | Buffer> {
  const { resourcePath, resourceQuery, rootContext } = context
  const reference = relative(rootContext, resourcePath).replaceAll('\\', '/') + resourceQuery
  if (!isTaggedImage(reference)) return content
  const { projectUpscaler, notices, isByName } = stateOf(context)
  // Who asked is not told.
  const site = { reference, importer: undefined }
  const directive = projectUpscaler.parse(site)
  projectUpscaler.noticeTypos(reference)
  const [request] = directive.requests
  const format = request.format ?? projectUpscaler.options.format
  if (isByName && directive.as !== 'url') throw withPlace(typeRefusal(`as=${directive.as}`), site)
  if (isByName && format !== undefined && !endsAs(resourcePath, format)) {
    throw withPlace(typeRefusal(`format=${format}`), site)
  }
  const ask = (): Promise<UpscaledImage> => projectUpscaler.finish(resourcePath, request, site)
  const image = await ask()
  for (const text of notices.splice(0)) context.emitWarning(Object.assign(new Error(text), { stack: text }))
  if (directive.as === 'url') return readChecked(image, ask)
  const path = `./${basename(resourcePath)}`
  return variantCode(directive, { path, image }, projectUpscaler.options)
}

/** The error of options that Turbopack can't hand over. */
export function refusalOf(names: readonly string[]): UpscaleError {
  return new UpscaleError('BAD_OPTION', `Turbopack can't hand over ${names.join(', ')}`, {
    hint: 'build with "next build --webpack", or leave engines and functions out of the options',
  })
}

/** The error of a reference that asks for another type than its name says, where Turbopack goes by names. */
function typeRefusal(asked: string): UpscaleError {
  return new UpscaleError('BAD_OPTION', `Turbopack before Next.js 16.2 can't make ${asked} of a picture`, {
    hint: 'use Next.js 16.2 or newer, or build by webpack: "next build" without --turbopack, "next build --webpack" from Next.js 16',
  })
}

interface LoaderState {
  readonly isByName: boolean
  readonly projectUpscaler: ProjectUpscaler
  readonly notices: string[]
}

/** One for each project and its options; Turbopack ends the process when it needs no more loaders. */
const states = new Map<string, LoaderState>()

function stateOf(context: Context): LoaderState {
  const options = context.getOptions()
  if ('refused' in options) throw refusalOf(options.refused)
  const { rootContext: root, mode = 'production' } = context
  const key = JSON.stringify([root, options])
  const known = states.get(key)
  if (known !== undefined) return known
  const notices: string[] = []
  const upscaler = JSON.parse(options.upscaler) as UpscalerOptions
  const projectUpscaler = createProjectUpscaler(upscaler, {
    root,
    envDir: root,
    mode,
    // Turbopack has a place for warnings of a module, and none for what goes on.
    logger: { info() {}, warn: text => void notices.push(text), isTalkative: false },
  })
  const state = { projectUpscaler, notices, isByName: options.isByName === true }
  states.set(key, state)
  return state
}

/** Turbopack prints the stack of an error; ours says all in its message. */
function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (isUpscaleError(error)) error.stack = error.message
  return error
}
