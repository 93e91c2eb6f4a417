import { FORMATS, type Format } from 'upscale-core'
import { extensionOf, RASTER_EXTENSIONS, TAGGED } from 'upscale-core/internal'
import type { HostLogger } from '../host-logger.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler } from '../project-upscaler.ts'
import { AS_TEXT } from '../reference.ts'
import { TURBOPACK_LOADER } from './loader-files.ts'
import { isFrom, type NextVersion } from './next-version.ts'
import { refusalOf, type TurbopackLoaderOptions } from './turbopack-loader.ts'
import { revisionOf } from './webpack.ts'

/*
 * Turbopack has no plugins, but rules that hand a module to loaders of webpack, by its query among others (Next.js 16.2).
 * A raw loader without a new type swaps the bytes of an image before Turbopack looks at it, so imports, style sheets and
 * new URL() all get the picture. There is no hook for the end of a build: no summary, and no search for leftovers.
 *
 * From Next.js 15.3 to 16.1 rules know the names of files only. The loader gets every image there, and gives back those
 * without a tag as they are; a new type, by which a text or another format could be asked for, would be that of all.
 */

/** What the `turbopack` of a config of Next.js can hold. */
export type RuleKind = 'by-query' | 'by-name' | 'none'

export function ruleKindOf(next: NextVersion | undefined): RuleKind {
  // Nobody who can't be asked is older than what is current.
  if (next === undefined || isFrom(next, 16, 2)) return 'by-query'
  return isFrom(next, 15, 3) ? 'by-name' : 'none'
}

interface Rule {
  readonly condition: Condition
  readonly loaders: readonly { readonly loader: string; readonly options: TurbopackLoaderOptions }[]
  /** What the result is taken for. */
  readonly as?: string
}

type Condition =
  | { readonly query: RegExp }
  | { readonly all: readonly Condition[] }
  | { readonly not: Condition }

const TEXT: Condition = { query: AS_TEXT }

/**
 * The rules of a config with ours among them.
 * @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED
 */
export function withTurbopackRules(
  rules: Rules,
  kind: 'by-query' | 'by-name',
  options: UpscaleOptions,
): Rules {
  if (kind === 'by-query') return { ...rules, '*': [...listOf(rules['*']), ...rulesByQuery(options)] }
  const loader = { loader: TURBOPACK_LOADER, options: { ...loaderOptions(options), isByName: true } }
  return {
    ...rules,
    ...Object.fromEntries(
      // Upper and lower case are different names to it.
      RASTER_EXTENSIONS.flatMap(extension => [`*.${extension}`, `*.${extension.toUpperCase()}`]).map(name => [
        name,
        withLoader(rules[name], loader),
      ]),
    ),
  }
}

type Rules = Readonly<Record<string, unknown>>

function listOf(rule: unknown): readonly unknown[] {
  return [rule ?? []].flat()
}

/** A rule of the project for the same files, with our loader behind its own: the one that stands last runs first. */
function withLoader(rule: unknown, loader: object): unknown {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    return { loaders: [...listOf(rule), loader] }
  }
  return { ...rule, loaders: [...listOf('loaders' in rule ? rule.loaders : undefined), loader] }
}

/** @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED */
export function rulesByQuery(options: UpscaleOptions): Rule[] {
  const loaders = [{ loader: TURBOPACK_LOADER, options: loaderOptions(options) }]
  const tagged: Condition = { query: TAGGED }
  const formats = FORMATS.map(format => ({ format, condition: formatCondition(format, options) }))
  return [
    { condition: { all: [tagged, TEXT] }, loaders, as: '*.js' },
    // Turbopack reads the size of an image by the format that its name says.
    ...formats.map(({ format, condition }) => ({
      condition: { all: [tagged, { not: TEXT }, condition] },
      loaders,
      as: `*.${extensionOf(format)}`,
    })),
    {
      condition: {
        all: [tagged, ...[TEXT, ...formats.map(({ condition }) => condition)].map(not => ({ not }))],
      },
      loaders,
      ...(options.format === undefined ? {} : { as: `*.${extensionOf(options.format)}` }),
    },
  ]
}

/** References that ask for a format, themselves or by a preset. */
function formatCondition(format: Format, { presets = {} }: UpscaleOptions): Condition {
  const names = Object.keys(presets).filter(name => presets[name]?.format === format)
  const ways = [`format=${format}`, ...names.map(name => `upscale=${name}`)]
  return { query: new RegExp(`[?&](?:${ways.join('|')})(?:[&#]|$)`) }
}

/**
 * Says what of the options can't be, where Turbopack reads the config; for other bundlers it does nothing.
 * @param warn gets a text about what is left out
 * @throws UpscaleError BAD_OPTION for engines and functions, before anything is built
 */
export function checkForTurbopack(
  options: UpscaleOptions,
  next: NextVersion | undefined,
  warn: (text: string) => void,
): void {
  // Set by Next.js before it reads the config, where Turbopack is chosen or nothing is.
  if (!process.env.TURBOPACK) return
  if (next !== undefined && ruleKindOf(next) === 'none') {
    // Its builds are those of webpack.
    warn(
      `[upscale] Turbopack of Next.js ${next.text} hands no pictures over, so they stay as they are: run "next dev" without --turbo, or use Next.js 15.3 or newer`,
    )
    return
  }
  const refused = namesOfRefused(options)
  if (refused.length > 0) throw refusalOf(refused)
  const left = Object.entries(COMMANDS).filter(([name]) => options[name as keyof typeof COMMANDS])
  for (const [name, command] of left) {
    warn(`[upscale] Turbopack tells no plugin when a build ends, so "${name}" is not written: run ${command}`)
  }
}

/** What writes a file that the plugin writes at the end of a build elsewhere. */
const COMMANDS = { report: 'npx upscale report', dts: 'npx upscale types' } as const

/** Nothing is made here. */
const SILENT: HostLogger = { info() {}, warn() {}, isTalkative: false }

function loaderOptions(options: UpscaleOptions): TurbopackLoaderOptions {
  const refused = namesOfRefused(options)
  if (refused.length > 0) return { refused }
  const root = process.cwd()
  const { upscaler } = resolveBuildOptions(options)
  const projectUpscaler = createProjectUpscaler(upscaler, {
    root,
    envDir: root,
    mode: 'production',
    logger: SILENT,
  })
  const revision = revisionOf(projectUpscaler)
  void projectUpscaler.close()
  return { upscaler: JSON.stringify(upscaler), revision }
}

function namesOfRefused(options: UpscaleOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => (isPlain(value) ? [] : [name]))
}

/** True for what Turbopack can hand to a loader. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  return Object.values(value).every(isPlain)
}
