import type { ResolvedConfig } from 'vite'
import { writeBuildFiles } from '../build-files.ts'
import { type BuildOptions, resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { createSlots, type Slot, type Slots } from '../slots.ts'
import { createBuildSummary } from '../summary.ts'
import { type FindFile, sourceOf } from './files.ts'
import { projectOf, viteLogger } from './logger.ts'

/**
 * What the Vite plugins of one config share: one upscaler and its slots, whatever the number of environments. They
 * live from the first environment that starts to the last that ends; in watch mode until the watcher is closed, since
 * a rebuild may use what an earlier one resolved.
 */
export interface ViteSession {
  readonly options: BuildOptions
  readonly config: ResolvedConfig
  readonly projectUpscaler: ProjectUpscaler
  readonly slots: Slots
  configure(config: ResolvedConfig): void
  /** The build of an environment starts. */
  enter(environment: string): void
  /** It is over. After the last one, the summary is printed. */
  leave(environment: string): Promise<void>
  /** Prints the summary of what was done so far. */
  tell(): void
  /** Ends the upscaler; a later build gets another. */
  end(): Promise<void>
}

interface Run {
  readonly projectUpscaler: ProjectUpscaler
  readonly slots: Slots
  tell(projectUpscaler: ProjectUpscaler): void
}

export function createViteSession(userOptions: UpscaleOptions): ViteSession {
  const options = resolveBuildOptions(userOptions)
  let config: ResolvedConfig | undefined
  let run: Run | undefined
  // Names and not a count: a build that failed doesn't say that it is over.
  const building = new Set<string>()

  const session: ViteSession = {
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
  const projectUpscaler = createProjectUpscaler(options.upscaler, projectOf(config))
  return {
    projectUpscaler,
    slots: createSlots(projectUpscaler, config.build.watch !== null),
    tell: createBuildSummary(options, viteLogger(config)),
  }
}

/**
 * The slot of a reference that takes one address.
 * @param form where it stands, for the message when it asks for a text
 * @throws UpscaleError
 */
export async function slotFor(
  site: ReferenceSite,
  form: string,
  session: ViteSession,
  find: FindFile,
): Promise<{ slot: Slot; rest: string }> {
  const { projectUpscaler, slots } = session
  const directive = projectUpscaler.parse(site)
  if (directive.as !== 'url') throw projectUpscaler.addressOnly(directive, site, form)
  const source = await sourceOf(directive.path, site.importer, session, find)
  const slot = await slots.fill(source, directive.requests[0], site)
  return { slot, rest: directive.rest }
}
