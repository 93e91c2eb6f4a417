import { dirname, resolve } from 'node:path'
import type {
  CompilationContext,
  JsPlugin,
  PluginResolveHookParam,
  PluginResolveHookResult,
  ResolvedUserConfig,
} from '@farmfe/core'
import { TAGGED } from 'upscale-core'
import { createFinisher, type Finisher, type Mention } from '../finish.ts'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
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
  readonly notices: string[]
  /** Modules that name a tagged image. */
  readonly importers: Set<string>
}

/** The plugin of Farm 1. */
export function farmPlugin(userOptions: UpscaleOptions): JsPlugin {
  const options = resolveBuildOptions(userOptions)
  let current: FarmSession | undefined
  const session = (): FarmSession => {
    if (current === undefined) throw new Error('a hook ran before configResolved')
    return current
  }
  return {
    name: 'upscale',
    // Farm's own plugins have 100 and less.
    priority: 1000,
    configResolved(config) {
      current = startSession(options.upscaler, config)
    },
    resolve: {
      filters: { sources: [TAGGED.source], importers: ['.*'] },
      async executor(param, context) {
        return isTaggedImage(param.source) ? answer(param, session(), context) : null
      },
    },
    load: {
      filters: { resolvedPaths: ['\\.(?:png|jpe?g|jfif|webp|avif|gif)$'] },
      async executor({ resolvedPath, meta }) {
        const reference = meta?.upscale
        if (reference === undefined) return null
        const mention = { reference, importer: meta?.upscaleImporter }
        return { content: await variantOf(resolvedPath, mention, session()), moduleType: 'js' }
      },
    },
    finalizeResources: {
      async executor({ resourcesMap }, context) {
        const { root, importers, notices } = session()
        for (const text of notices.splice(0)) context?.warn(text)
        const outputs = Object.values(resourcesMap).filter(({ name }) => isSearched(name))
        const rules = { ownPrefixes: [], isKnown: () => false }
        const [first, ...others] = await findLeftovers(outputs.map(toOutputFile), rules)
        if (first === undefined) return resourcesMap
        const error = leftoverError([first, ...others], [...importers, ...htmlInputs(root)])
        if (options.leftovers === 'error') throw error
        context?.warn(error.message)
        return resourcesMap
      },
    },
    finish: {
      async executor() {
        const { finisher, isWatching } = session()
        const report = finisher.report()
        if (summaryOf(report) !== undefined) options.onReport(report)
        if (!isWatching) await finisher.close()
      },
    },
  }
}

function startSession(
  upscaler: UpscaleOptions,
  { root = process.cwd(), envDir, envMode, compilation }: ResolvedUserConfig,
): FarmSession {
  const notices: string[] = []
  const finisher = createFinisher(upscaler, {
    root,
    envDir: envDir ?? root,
    mode: envMode ?? 'production',
    onNotice: text => void notices.push(text),
  })
  return { root, isWatching: Boolean(compilation?.watch), finisher, notices, importers: new Set() }
}

async function answer(
  { source: reference, importer: module, kind }: PluginResolveHookParam,
  { root, finisher, importers }: FarmSession,
  context: CompilationContext | undefined,
): Promise<PluginResolveHookResult> {
  const importer = module === null ? undefined : resolve(root, pathOf(module))
  const mention = { reference, importer }
  const directive = finisher.parse(mention)
  if (directive.as !== 'url' && kind === 'cssUrl') {
    throw finisher.addressOnly(directive, mention, 'a style sheet')
  }
  const found = await context
    ?.resolve({ source: directive.path, importer: module, kind }, { meta: {}, caller: 'upscale' })
    // Farm throws for a path that leads nowhere; the upscaler's message names it.
    .catch(() => undefined)
  const source =
    found?.resolvedPath ?? resolve(importer === undefined ? root : dirname(importer), directive.path)
  if (importer !== undefined) {
    importers.add(importer)
    // Farm asks again where a picture is only for a module that it takes for changed.
    context?.addWatchFile(importer, source)
  }
  if (directive.as !== 'url') {
    const meta = { upscale: reference, ...(importer === undefined ? {} : { upscaleImporter: importer }) }
    return { resolvedPath: source, query: pairsOf(reference.slice(pathOf(reference).length)), meta }
  }
  const { file } = await finisher.finish(source, directive.requests[0], mention)
  return { resolvedPath: file, query: pairsOf(directive.rest) }
}

async function variantOf(source: string, mention: Mention, { finisher }: FarmSession): Promise<string> {
  const directive = finisher.parse(mention)
  return variantCode(directive, {
    original: source + directive.rest,
    upscaled: directive.requests.map(
      request => source + withRest(queryOf(request, finisher.options), directive.rest),
    ),
    image: await finisher.finish(source, directive.requests[0], mention),
  })
}

function pairsOf(query: string): [string, string][] {
  return [...new URLSearchParams(query.replace(/#.*$/, ''))]
}

function toOutputFile({ name, bytes }: { readonly name: string; readonly bytes: number[] }): OutputFile {
  return { name, text: () => Buffer.from(bytes).toString() }
}

/** Farm doesn't tell of pages, and leaves what they refer to as it is. */
function htmlInputs(root: string): string[] {
  return [resolve(root, 'index.html')].filter(isFile)
}
