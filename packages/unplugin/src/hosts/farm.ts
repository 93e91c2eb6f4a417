import { dirname, resolve } from 'node:path'
import type { CompilationContext, JsPlugin, PluginResolveHookParam, PluginResolveHookResult } from '@farmfe/core'
import { TAGGED } from 'upscale-core'
import { createFinisher, type Finisher, type Mention } from '../finish.ts'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import { type BuildOptions, resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { isTaggedImage, pathOf, queryOf, withRest } from '../reference.ts'
import { summaryOf } from '../summary.ts'
import { variantCode } from '../variants.ts'
import { isFile } from './vite-files.ts'

/*
 * Farm resolves references in style sheets like imports, so it is handed the finished file and treats it as any image.
 * This is Farm's own plugin interface: unplugin's has no way to ask Farm for a path, and makes importers absolute
 * against the working folder instead of the project's.
 */

/** What the hooks of one build share. */
interface FarmSession {
  readonly root: string
  readonly isWatching: boolean
  readonly finisher: Finisher
  /** Who asked for a text, by the path and query of its module. */
  readonly mentions: Map<string, Mention>
  /** Modules that name a tagged image. */
  readonly importers: Set<string>
}

type ResolveContext = Pick<CompilationContext, 'resolve' | 'addWatchFile'>

/** The plugin of Farm 1. */
export function farmPlugin(userOptions: UpscaleOptions): JsPlugin {
  const options = resolveBuildOptions(userOptions)
  let current: FarmSession | undefined
  const session = (): FarmSession => {
    if (current === undefined) throw new Error('a hook ran before configResolved')
    return current
  }
  const everything = { sources: [TAGGED.source], importers: ['.*'] }
  return {
    name: 'upscale',
    // Before Farm's own plugins, which have 100.
    priority: 1000,
    configResolved({ root = process.cwd(), envDir, envMode, compilation }) {
      const notices = (text: string): void => void process.emitWarning(text, { code: 'upscale' })
      const finisher = createFinisher(options.upscaler, {
        root,
        envDir: envDir ?? root,
        mode: envMode ?? 'production',
        onNotice: notices,
      })
      const isWatching = Boolean(compilation?.watch)
      current = { root, isWatching, finisher, mentions: new Map(), importers: new Set() }
    },
    resolve: {
      filters: everything,
      executor: (param, context) =>
        isTaggedImage(param.source) ? answer(param, session(), context) : null,
    },
    load: {
      filters: { resolvedPaths: ['.*'] },
      async executor({ resolvedPath, query }) {
        const text = query.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&')
        const mention = current?.mentions.get(`${resolvedPath}?${text}`)
        if (mention === undefined) return null
        return { content: await variantOf(resolvedPath, mention, session()), moduleType: 'js' }
      },
    },
    finalizeResources: {
      async executor({ resourcesMap }, context) {
        const outputs = Object.values(resourcesMap).map(({ name, bytes }) => toOutput(name, bytes))
        await refuseLeftovers(outputs, session(), options, text => context?.warn(text))
        return resourcesMap
      },
    },
    finish: {
      async executor() {
        if (current === undefined) return
        const report = current.finisher.report()
        if (summaryOf(report) !== undefined) options.onReport(report)
        if (!current.isWatching) await current.finisher.close()
      },
    },
  }
}
