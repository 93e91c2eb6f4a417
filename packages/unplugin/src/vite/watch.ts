import type { Plugin } from 'vite'
import { editedSince } from '../file-state.ts'
import { createMissedEdits } from '../missed-edits.ts'
import { pathOf } from '../reference.ts'
import type { BuildSession } from './build-session.ts'

/**
 * Watch mode: an edited image must show up in every form. Vite watches the slot, which nobody edits, so the sources are
 * added by hand; and a bundler that keeps an unchanged importer's resolved ids (Rollup) asks again only for the
 * slot's content, so the slot is refreshed then.
 *
 * A plugin of its own because a build that runs once needs none of this, and a hook costs a call per module.
 */
export function watchSources(session: BuildSession): Plugin {
  const missedEdits = createMissedEdits(() => editedSince(session.slots.states()))
  return {
    name: 'upscale:watch',
    apply: ({ build }, { command }) => command === 'build' && Boolean(build?.watch),
    buildStart() {
      missedEdits.begin(this)
    },
    load: {
      order: 'pre',
      filter: { id: /[\\/]slots[\\/][\da-f]{16}[\\/]/ },
      async handler(id) {
        const slot = await session.slots.refresh(pathOf(id))
        if (slot !== undefined) this.addWatchFile(slot.source)
        // Null: the next plugin, which is Vite's, reads the file.
        return null
      },
    },
    transform: {
      filter: { id: /\.(?:css|scss|sass|less|styl|stylus|pcss|postcss|sss)(?:$|\?)/ },
      handler() {
        dependOnSources(this, session)
        return null
      },
    },
    buildEnd(error) {
      dependOnSources(this, session)
      missedEdits.end()
      // Rollup has noted by now what it watches after a failure: on the error.
      if (error !== undefined)
        Object.assign(error, { watchFiles: [...watchFilesOf(error), ...session.slots.sources()] })
    },
    async closeWatcher() {
      await missedEdits.close()
      await session.end()
    },
  }
}

/**
 * Makes a module depend on the sources known so far, those that its own text just named among them: Rollup passes a
 * module through the plugins again only when something it depends on has changed. More than it needs, which costs a
 * look at a file; exactly its own would need a list of who named what, and forms that Vite hides don't tell.
 */
export function dependOnSources(context: object, { config, slots }: BuildSession): void {
  // The context of an HTML hook has this in a build, although its type doesn't say so.
  if (config.build.watch === null || !canWatch(context)) return
  for (const source of slots.sources()) context.addWatchFile(source)
}

function watchFilesOf(error: Error): readonly string[] {
  return 'watchFiles' in error && Array.isArray(error.watchFiles) ? error.watchFiles : []
}

function canWatch(context: object): context is { addWatchFile(file: string): void } {
  return 'addWatchFile' in context && typeof context.addWatchFile === 'function'
}
