import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, resolve } from 'node:path'
import { isUpscaleError, UpscaleError } from 'upscale-core'
import { TAGGED } from 'upscale-core/internal'
import { isPicturePath } from 'upscale-toolkit/references'
import { findUnreplaced } from '../accounts.ts'
import { writeBuildFiles } from '../build-files.ts'
import type { HostLogger } from '../host-logger.ts'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, leftoverError } from '../leftovers.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler, type ProjectUpscaler, withPlace } from '../project-upscaler.ts'
import { isTaggedImage, pathOf, type ReferenceSite } from '../reference.ts'
import { createBuildSummary } from '../summary.ts'
import { variantCode } from '../variants.ts'

/*
 * Bun 1.4 shows plugins imports, `url()` and `image-set()` of style sheets, and `src` and `poster` in pages, and is handed
 * the finished file, as esbuild is. It has `resolve` and `onDispose` in its types only, and shows a whole `srcset` as if it
 * were one address, of which it keeps nothing but a path; that is refused. What it doesn't show is found in the output.
 */

/** What is used of Bun's plugin interface. */
export interface BunPlugin {
  readonly name: string
  setup(build: BunBuilder): void
}

export interface BunBuilder {
  readonly config: { readonly root?: string | undefined }
  onResolve(
    filter: { readonly filter: RegExp },
    answer: (args: BunReference) => Promise<BunAnswer | undefined> | undefined,
  ): unknown
  onLoad(
    filter: { readonly filter: RegExp; readonly namespace: string },
    answer: (args: { readonly path: string }) => Promise<{ contents: string; loader: 'js' }>,
  ): unknown
  onEnd(work: (result: BunOutput) => Promise<void>): unknown
}

export interface BunReference {
  readonly path: string
  readonly importer: string
  readonly resolveDir?: string
}

export interface BunAnswer {
  readonly path: string
  readonly namespace?: string
}

export interface BunOutput {
  readonly success: boolean
  readonly outputs: readonly {
    readonly path: string
    text(): Promise<string>
    arrayBuffer(): Promise<ArrayBuffer>
  }[]
}

/** Namespace of the modules that `as=srcset` and `as=metadata` stand for. */
const VARIANT = 'upscale'

/** What Bun 1.4 shows plugins, for the hint. */
const SHOWN =
  'Bun shows plugins imports, style sheets, and src and poster in pages; no new URL and no style attribute'

/** A descriptor of `srcset`, which no path ends with. */
const DESCRIPTOR = /\s[\d.]+[wx]\s*(?:,|$)/

/** The plugin of Bun. */
export function bunPlugin(userOptions: UpscaleOptions): BunPlugin {
  const options = resolveBuildOptions(userOptions)
  return {
    name: 'upscale',
    setup(build) {
      const root = resolve(build.config.root ?? process.cwd())
      const tell = createBuildSummary(options, LOGGER)
      const projectUpscaler = createProjectUpscaler(options.upscaler, {
        root,
        envDir: root,
        mode: process.env.NODE_ENV ?? 'production',
        logger: LOGGER,
      })
      const seen = new Set<string>()
      answerReferences(build, projectUpscaler, seen)
      build.onEnd(async ({ success, outputs }) => {
        try {
          tell(projectUpscaler)
          const own = [...seen].filter(file => !file.includes('/node_modules/') && isFile(file))
          if (!success) {
            // One whose tag is misspelled leads nowhere, which is all that Bun says of it.
            for (const file of own.filter(one => !isPicturePath(one))) {
              projectUpscaler.noticeSlips(file, await readFile(file, 'utf8'))
            }
            return
          }
          await writeBuildFiles(options, projectUpscaler)
          const left = await leftoverOf(outputs, own, root, projectUpscaler)
          if (left === undefined) return
          if (options.leftovers === 'error') throw shown(left)
          LOGGER.warn(left.message)
        } finally {
          await projectUpscaler.close()
        }
      })
    },
  }
}

/** Bun prints nothing of a build that goes well, and gives plugins no logger. */
const LOGGER: HostLogger = {
  info: text => void process.stderr.write(`[upscale] ${text}\n`),
  warn: text => void process.stderr.write(`[upscale] ${text}\n`),
  isTalkative: true,
}

function answerReferences(build: BunBuilder, projectUpscaler: ProjectUpscaler, seen: Set<string>): void {
  const sites = new Map<string, ReferenceSite>()
  // What is left in the output is looked for in the files that are named here, and in those that name them.
  build.onResolve({ filter: /./ }, ({ path, importer, resolveDir }) => {
    seen.add(importer).add(resolve(resolveDir ?? dirname(importer), path))
    if (!TAGGED.test(path) || !isTaggedImage(path)) return undefined
    return answer({ path, importer, resolveDir: resolveDir ?? dirname(importer) }).catch(rethrow)
  })
  build.onLoad({ filter: /./, namespace: VARIANT }, ({ path }) => loadVariant(path).catch(rethrow))

  async function answer({ path, importer, resolveDir }: Required<BunReference>): Promise<BunAnswer> {
    const site = { reference: path, importer: importer === '' ? undefined : importer }
    if (DESCRIPTOR.test(path)) throw withPlace(wholeSrcset(), site)
    const directive = projectUpscaler.parse(site)
    const source = findSource(directive.path, resolveDir)
    if (directive.as === 'url') {
      const { file } = await projectUpscaler.finish(source, directive.requests[0], site)
      return { path: file + directive.rest }
    }
    const place = /\.css$/i.test(importer)
      ? 'a style sheet'
      : /\.html?$/i.test(importer)
        ? 'a page'
        : undefined
    if (place !== undefined) throw projectUpscaler.addressOnly(directive, site, place)
    const module = source + path.slice(pathOf(path).length)
    sites.set(module, site)
    return { path: module, namespace: VARIANT }
  }

  async function loadVariant(path: string): Promise<{ contents: string; loader: 'js' }> {
    const source = pathOf(path)
    const site = sites.get(path) ?? { reference: path, importer: undefined }
    const directive = projectUpscaler.parse(site)
    const image = await projectUpscaler.finish(source, directive.requests[0], site)
    const contents = variantCode(directive, { path: source, image }, projectUpscaler.options)
    return { contents, loader: 'js' }
  }
}

function wholeSrcset(): UpscaleError {
  return new UpscaleError('BAD_DIRECTIVE', 'Bun shows plugins a srcset as if it were one address', {
    hint: 'tag the src instead, or import the image with &as=srcset and set srcset in JavaScript',
  })
}

/** As Bun itself would find it; where it does not, the path beside the importer, so that the error names that. */
function findSource(path: string, folder: string): string {
  if (isAbsolute(path)) return path
  const bun: unknown = Reflect.get(globalThis, 'Bun')
  if (!isBun(bun)) return resolve(folder, path)
  try {
    return bun.resolveSync(path, folder)
  } catch {
    // Bun has its own class for this and no code in it; whatever the reason, the file is looked for next.
    return resolve(folder, path)
  }
}

function isBun(value: unknown): value is { resolveSync(path: string, folder: string): string } {
  return typeof value === 'object' && value !== null && 'resolveSync' in value
}

function rethrow(error: unknown): never {
  throw isUpscaleError(error) ? shown(error) : error
}

/** Bun prints the stack of what a plugin throws; our messages say all. */
function shown(error: UpscaleError): UpscaleError {
  error.stack = error.message
  return error
}

async function leftoverOf(
  outputs: BunOutput['outputs'],
  own: readonly string[],
  root: string,
  projectUpscaler: ProjectUpscaler,
): Promise<UpscaleError | undefined> {
  const searched = outputs.filter(({ path }) => isSearched(path))
  const texts = await Promise.all(searched.map(async output => [output.path, await output.text()] as const))
  const files = texts.map(([name, text]) => ({ name, text: () => text }))
  // Bun puts the query of a style sheet's reference behind the name of the file that it was handed.
  const written = new Set(outputs.map(({ path }) => basename(path)))
  const isKnown = (reference: string): boolean => written.has(basename(pathOf(reference)))
  const [first, ...others] = await findLeftovers(files, { ownPrefixes: [], isKnown })
  if (first === undefined) {
    const contents = await Promise.all(
      outputs.map(async output => new Uint8Array(await output.arrayBuffer())),
    )
    return findUnreplaced({ projectUpscaler, root, files: own, contents: () => contents })
  }
  const { code, problem, details } = await leftoverError([first, ...others], {
    modules: own,
    root,
    outputs: outputs.map(({ path }) => dirname(resolve(root, path))),
  })
  return new UpscaleError(code, problem, { ...details, hint: `${details.hint}. ${SHOWN}` })
}
