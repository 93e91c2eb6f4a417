import { utimesSync } from 'node:fs'
import type { UpscaledImage, UpscaleError } from 'upscale-core'
import { tryTo } from 'upscale-core/internal'
import { createDevPictures } from '../dev/pictures.ts'
import { createDevUpscaler, createLeftOutNotifier, isLeftOut } from '../dev/upscaler.ts'
import { fileState } from '../file-state.ts'
import type { HostLogger } from '../host-logger.ts'
import type { BuildOptions } from '../options.ts'
import { createProjectUpscaler, type Project, type ProjectUpscaler } from '../project-upscaler.ts'
import { queryOf } from '../reference.ts'
import { createTriggerFile } from '../trigger-file.ts'
import type { PictureSource, SourcedPicture } from './loader.ts'

interface FamilyCompiler {
  readonly context: string
  readonly options: { readonly mode?: string | undefined }
  readonly watchMode: boolean
  readonly hooks: {
    readonly watchRun: { tapPromise(name: string, begin: () => Promise<void>): void }
    readonly shutdown: { tapPromise(name: string, end: () => Promise<void>): void }
  }
}

/** A picture source with an end. */
interface ClosablePictureSource extends PictureSource {
  close(): Promise<void>
}

/**
 * Where the loader of a compiler gets its pictures: as a build does, finished, or as a page in development does, at once.
 * Which of them is known when the compiler runs.
 * @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED
 */
export function createPictureSource(
  compiler: FamilyCompiler,
  options: BuildOptions,
  logger: HostLogger,
): PictureSource {
  const { mode = 'production' } = compiler.options
  const project: Project = { root: compiler.context, envDir: compiler.context, mode, logger }
  let current: ClosablePictureSource = finishedPictures(createProjectUpscaler(options.upscaler, project))
  let isDeveloping = false
  compiler.hooks.watchRun.tapPromise('upscale', async () => {
    if (isDeveloping || !isDevelopment(compiler)) return
    isDeveloping = true
    const unused = current
    current = developmentPictures(options, project)
    await unused.close()
  })
  compiler.hooks.shutdown.tapPromise('upscale', () => current.close())
  return {
    get projectUpscaler() {
      return current.projectUpscaler
    },
    get: (...picture) => current.get(...picture),
  }
}

/**
 * True where a placeholder may be shown for a while: a process that goes on (`watchMode`, which webpack-dev-server, `webpack
 * --watch` and their like of Rspack and Rsbuild all set) and so replaces it, in a mode whose output nobody ships. One of
 * them is not enough: `webpack --mode development` ends with what it wrote, and `webpack --watch --mode production`
 * writes what may be shipped at any moment. A config without a mode is one of production. Variables such as WEBPACK_SERVE
 * are set by the command line only, and by tools of tools not at all.
 */
function isDevelopment({ watchMode, options: { mode } }: FamilyCompiler): boolean {
  return watchMode && mode === 'development'
}

function finishedPictures(projectUpscaler: ProjectUpscaler): ClosablePictureSource {
  return {
    projectUpscaler,
    async get(source, request, site) {
      return { kind: 'finished', finished: await projectUpscaler.finish(source, request, site) }
    },
    close: () => projectUpscaler.close(),
  }
}

/** How long after the first the second trigger comes, in milliseconds: longer than a page takes to be compiled. */
const ECHO_MS = 1500

/** How long a picture that no engine may make is not looked for again, in milliseconds. */
const LEFT_OUT_MS = 30_000

/**
 * Pictures are made behind the compiler's back, and a file that the modules of placeholders depend on is written when they
 * are ready, which makes the compiler build those modules again: once for a wave of pictures.
 */
function developmentPictures(options: BuildOptions, project: Project): ClosablePictureSource {
  const projectUpscaler = createDevUpscaler(options, project)
  const trigger = createTriggerFile()
  const rebuildTrigger = trigger.file
  let rebuilds = 0
  const touch = (): void => trigger.write(String(rebuilds++))
  let echo: NodeJS.Timeout | undefined
  const triggerRebuild = (): void => {
    touch()
    // html-webpack-plugin looks at its files after the pages are compiled, and so misses what changed between the two.
    // Who heard the first has nothing that depends on the second.
    clearTimeout(echo)
    echo = setTimeout(touch, ECHO_MS).unref()
  }
  // Older than the build that begins, which would otherwise take it for changed meanwhile.
  const anHourAgo = new Date(Date.now() - 3_600_000)
  tryTo(() => utimesSync(rebuildTrigger, anHourAgo, anHourAgo))
  const pictures = createDevPictures<UpscaledImage>(projectUpscaler, withLeftOut(projectUpscaler), {
    onNews: triggerRebuild,
    // The build that follows asks again, and shows the error where the host shows errors.
    onLateFailure: triggerRebuild,
    onLeftOut: createLeftOutNotifier(project.logger.warn),
  })
  return {
    projectUpscaler,
    async get(source, request, site): Promise<SourcedPicture> {
      const picture = await pictures.ask(source, request, site)
      return picture.kind === 'finished' ? picture : { ...picture, rebuildTrigger }
    },
    async close() {
      pictures.close()
      clearTimeout(echo)
      await projectUpscaler.close()
      await trigger.close()
    },
  }
}

/**
 * Modules of placeholders are built anew with every build, so what was left out is not looked for each time: that means
 * decoding the image.
 */
function withLeftOut({ options, finish }: ProjectUpscaler): ProjectUpscaler['finish'] {
  const known = new Map<string, { readonly error: UpscaleError; readonly until: number }>()
  return async (source, request, site) => {
    const key = `${source}?${queryOf(request, options)} ${fileState(source)}`
    const left = known.get(key)
    if (left !== undefined && performance.now() < left.until) throw left.error
    try {
      return await finish(source, request, site)
    } catch (error) {
      if (isLeftOut(error)) known.set(key, { error, until: performance.now() + LEFT_OUT_MS })
      throw error
    }
  }
}
