import { basename, relative } from 'node:path'
import { isUpscaleError, UpscaleError, type UpscalerOptions } from 'upscale-core'
import { readChecked } from '../checked-bytes.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../project-upscaler.ts'
import { isTaggedImage } from '../reference.ts'
import { variantCode } from '../variants.ts'

/** What the rules hand to the loader. Part of a module's identity in Turbopack's cache, like its source. */
export type TurbopackLoaderOptions =
  | {
      /** Options of the upscaler, as JSON. */
      readonly upscaler: string
      /** Changes with everything else that decides what is made. */
      readonly revision: string
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
  async(): (error: Error | null, content?: string | Buffer) => void
}

/** Turbopack hands over and takes back bytes. */
export const raw = true

/** The loader behind `unplugin-upscale/next`: the content of a tagged image is its picture. Not for use by hand. */
export default function load(this: Context, content: Buffer): void {
  const callback = this.async()
  produce(this, content).then(
    result => callback(null, result),
    error => callback(describe(error)),
  )
}

async function produce(context: Context, content: Buffer): Promise<string | Buffer> {
  const { resourcePath, resourceQuery, rootContext } = context
  const reference = relative(rootContext, resourcePath).replaceAll('\\', '/') + resourceQuery
  if (!isTaggedImage(reference)) return content
  const { projectUpscaler, notices } = stateOf(context)
  // Who asked is not told.
  const site = { reference, importer: undefined }
  const directive = projectUpscaler.parse(site)
  const image = await projectUpscaler.finish(resourcePath, directive.requests[0], site)
  for (const text of notices.splice(0)) context.emitWarning(new Error(text))
  if (directive.as === 'url') return readChecked(image)
  const path = `./${basename(resourcePath)}`
  return variantCode(directive, { path, image }, projectUpscaler.options)
}

/** The error of options that Turbopack can't hand over. */
export function refusalOf(names: readonly string[]): UpscaleError {
  return new UpscaleError('BAD_OPTION', `Turbopack can't hand over ${names.join(', ')}`, {
    hint: 'build with "next build --webpack", or leave engines and functions out of the options',
  })
}

interface LoaderState {
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
  const state = { projectUpscaler, notices }
  states.set(key, state)
  return state
}

/** Turbopack prints the stack of an error; ours says all in its message. */
function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (isUpscaleError(error)) error.stack = error.message
  return error
}
