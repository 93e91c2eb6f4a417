import type { Configuration } from 'webpack'
import { type Entry, entryOf } from './entry.ts'
import type { UpscaleOptions } from './options.ts'
import { checkForTurbopack, turbopackRules } from './webpack/turbopack.ts'
import upscaleWebpack from './webpack.ts'

/** The parts of a Next.js config that this adds to. */
interface NextConfigParts {
  readonly webpack?: ((config: Configuration, context: unknown) => Configuration) | null
  readonly turbopack?: { readonly rules?: Readonly<Record<string, unknown>> }
}

/**
 * For Next.js 16.2 or newer, with either of its bundlers. Turbopack hands plain values only to what runs for it, so engines
 * of your own, such as paid ones, need `next build --webpack`.
 *
 * @throws UpscaleError BAD_OPTION for such an option where Turbopack builds; for an option that is wrong; UNKNOWN_ENGINE
 * @example
 * import upscale from 'unplugin-upscale/next'
 * export default upscale()({ reactStrictMode: true })
 */
function upscale(options: UpscaleOptions = {}): <Config extends object>(config?: Config) => Config {
  // Next.js has no logger for a config.
  checkForTurbopack(options, text => void process.stderr.write(`${text}\n`))
  return <Config extends object>(config: Config = {} as Config): Config => {
    const { webpack, turbopack }: NextConfigParts = config
    const { rules = {} } = turbopack ?? {}
    const parts: NextConfigParts = {
      webpack(given, context) {
        const own = webpack?.(given, context) ?? given
        return { ...own, plugins: [...(own.plugins ?? []), upscaleWebpack(options)] }
      },
      turbopack: {
        ...turbopack,
        rules: { ...rules, '*': [...[rules['*'] ?? []].flat(), ...turbopackRules(options)] },
      },
    }
    return { ...config, ...parts }
  }
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
