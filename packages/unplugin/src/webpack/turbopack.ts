import { FORMATS, type Format } from 'upscale-core'
import { extensionOf, TAGGED } from 'upscale-core/internal'
import type { HostLogger } from '../host-logger.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler } from '../project-upscaler.ts'
import { TURBOPACK_LOADER } from './loader-files.ts'
import { refusalOf, type TurbopackLoaderOptions } from './turbopack-loader.ts'
import { revisionOf } from './webpack.ts'

/*
 * Turbopack has no plugins, but rules that hand a module to loaders of webpack, by its query among others (Next.js 16.2).
 * A raw loader without a new type swaps the bytes of an image before Turbopack looks at it, so imports, style sheets and
 * new URL() all get the picture. There is no hook for the end of a build: no summary, and no search for leftovers.
 */

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

const TEXT: Condition = { query: /[?&]as=(?:srcset|metadata)(?:[&#]|$)/ }

/**
 * The rules for all files.
 * @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED
 */
export function turbopackRules(options: UpscaleOptions): Rule[] {
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
export function checkForTurbopack(options: UpscaleOptions, warn: (text: string) => void): void {
  // Set by Next.js before it reads the config, where Turbopack is chosen or nothing is.
  if (!process.env.TURBOPACK) return
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
