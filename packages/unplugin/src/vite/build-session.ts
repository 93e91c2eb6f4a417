import type { ResolvedConfig } from 'vite'
import { writeBuildFiles } from '../build-files.ts'
import { type BuildOptions, resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../project-upscaler.ts'
import { createSlots, type Slots } from '../slots.ts'
import { createBuildSummary } from '../summary.ts'
import { projectOf, viteLogger } from './logger.ts'
import type { ViteSession } from './session.ts'

/**
 * What the plugins of a build share: one upscaler and its slots, whatever the number of environments. They live from the
 * first environment that starts to the last that ends; in watch mode until the watcher is closed, since a rebuild may use
 * what an earlier one resolved.
 */
export interface BuildSession extends ViteSession {
  readonly options: BuildOptions
  readonly slots: Slots
  configure(config: ResolvedConfig): void
  /** The build of an environment starts. */
  enter(environment: string): void
  /** It is over. After the last one, the summary is printed. */
  leave(environment: string): Promise<void>
  /** Prints the summary of what was done so far. */
  tell(): void
  /** Waits for the pictures under way that may cost money, and begins no other. */
  drain(): Promise<void>
  /** Ends the upscaler; a later build gets another. */
  end(): Promise<void>
}

interface Run {
  readonly projectUpscaler: ProjectUpscaler
  readonly slots: Slots
  tell(projectUpscaler: ProjectUpscaler): void
}

export function createBuildSession(userOptions: UpscaleOptions): BuildSession {
  const options = resolveBuildOptions(userOptions, { hasPages: true })
  let config: ResolvedConfig | undefined
  let run: Run | undefined
  // Names and not a count: a build that failed doesn't say that it is over.
  const building = new Set<string>()

  const session: BuildSession = {
    options,
    get config() {
      if (config === undefined) throw new Error('a hook ran before configResolved')
      return config
    },
    get projectUpscaler() {
      return begin().projectUpscaler
    },
    get slots() {
      return begin().slots
    },
    file: async (source, request, site) => (await session.slots.fill(source, request, site)).file,
    facts: (source, request, site) => session.projectUpscaler.finish(source, request, site),
    configure(resolved) {
      config = resolved
    },
    enter(environment) {
      building.add(environment)
      // Now, so that a wrong option stops the build before anything is done.
      begin()
    },
    async leave(environment) {
      building.delete(environment)
      if (building.size > 0) return
      session.tell()
      if (run !== undefined) await writeBuildFiles(options, run.projectUpscaler)
      if (session.config.build.watch === null) await session.end()
    },
    tell() {
      run?.tell(run.projectUpscaler)
    },
    async drain() {
      await run?.projectUpscaler.drain()
    },
    async end() {
      const ended = run
      run = undefined
      await ended?.projectUpscaler.close()
    },
  }

  function begin(): Run {
    run ??= startRun(options, session.config)
    return run
  }

  return session
}

function startRun(options: BuildOptions, config: ResolvedConfig): Run {
  const projectUpscaler = createProjectUpscaler(options.upscaler, {
    ...projectOf(config),
    rules: options.rules,
  })
  return {
    projectUpscaler,
    slots: createSlots(projectUpscaler, config.build.watch !== null),
    tell: createBuildSummary(options, viteLogger(config)),
  }
}
