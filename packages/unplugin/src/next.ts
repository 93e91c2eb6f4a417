import { TAGGED } from 'upscale-core/internal'
import type { Configuration, RuleSetRule } from 'webpack'
import { type Entry, entryOf } from './entry.ts'
import type { UpscaleOptions } from './options.ts'
import { nextVersionOf } from './webpack/next-version.ts'
import { checkForTurbopack, ruleKindOf, withTurbopackRules } from './webpack/turbopack.ts'
import upscaleWebpack from './webpack.ts'

/** The parts of a Next.js config that this adds to. */
interface NextConfigParts {
  readonly webpack?: ((config: Configuration, context: NextBuild) => Configuration) | null
  readonly turbopack?: { readonly rules?: Readonly<Record<string, unknown>> }
}

/** What Next.js says of the compiler that it asks a config for. */
interface NextBuild {
  readonly dev: boolean
  readonly nextRuntime?: 'nodejs' | 'edge'
}

/**
 * For Next.js 13.5 or newer by webpack, and by Turbopack from 15.3. Turbopack hands plain values only to what runs for it, so
 * engines of your own, such as paid ones, need webpack (`next build --webpack` from Next.js 16); before Next.js 16.2 it
 * hands over files by their names only, so `as` and another `format` need webpack as well.
 *
 * @throws UpscaleError BAD_OPTION for such an option where Turbopack builds; for an option that is wrong; UNKNOWN_ENGINE
 * @example
 * import upscale from 'unplugin-upscale/next'
 * export default upscale()({ reactStrictMode: true })
 */
function upscale(options: UpscaleOptions = {}): <Config extends object>(config?: Config) => Config {
  const next = nextVersionOf(process.cwd())
  const kind = ruleKindOf(next)
  // Next.js has no logger for a config.
  checkForTurbopack(options, next, text => void process.stderr.write(`${text}\n`))
  return <Config extends object>(config: Config = {} as Config): Config => {
    const { webpack, turbopack }: NextConfigParts = config
    const { rules = {} } = turbopack ?? {}
    const parts: NextConfigParts = {
      webpack(given, context) {
        const own = webpack?.(given, context) ?? given
        return {
          ...own,
          module: { ...own.module, rules: [...(own.module?.rules ?? []), ...serverRules(context)] },
          plugins: [...(own.plugins ?? []), upscaleWebpack(options)],
        }
      },
      // Older ones warn of a key that they don't know.
      ...(kind !== 'none' && {
        turbopack: { ...turbopack, rules: withTurbopackRules(rules, kind, options) },
      }),
    }
    return { ...config, ...parts }
  }
}

/**
 * A server component is compiled for the server alone, whose folder no browser sees. Next.js brings the files of its `new URL()` to
 * the browsers' folder where the address ends like an image, so one with a query would lead nowhere.
 */
function serverRules({ dev, nextRuntime }: NextBuild): RuleSetRule[] {
  if (nextRuntime !== 'nodejs') return []
  const generator = { outputPath: dev ? '../' : '../../' }
  return [{ resourceQuery: TAGGED, dependency: 'url', issuerLayer: 'rsc', generator }]
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
