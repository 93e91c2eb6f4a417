import type { Plugin } from 'vite'
import { pathOf } from '../reference.ts'
import type { ViteSession } from './vite-session.ts'

/**
 * Watch mode: an edited image must show up in every form. Vite watches the slot, which nobody edits, so the sources are
 * added by hand; and a bundler that keeps an unchanged importer's resolved ids (Rollup) asks again only for the
 * slot's content, so the slot is refreshed then.
 *
 * A plugin of its own because a build that runs once needs none of this, and a hook costs a call per module.
 */
export function watchSources(session: ViteSession): Plugin {
  return {
    name: 'upscale:watch',
    apply: ({ build }, { command }) => command === 'build' && Boolean(build?.watch),
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
      // Rollup runs Vite's CSS pass again only for a module that depends on the image.
      handler() {
        for (const { source } of session.slots.all()) this.addWatchFile(source)
        return null
      },
    },
    buildEnd() {
      for (const { source } of session.slots.all()) this.addWatchFile(source)
    },
    closeWatcher: () => session.end(),
  }
}
