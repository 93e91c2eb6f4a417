import { type Report, UpscaleError, type UpscalerOptions } from 'upscale-core'

/** What a user may write in a bundler's config: the upscaler's options, and three that only a bundler has. */
export interface UpscaleOptions extends UpscalerOptions {
  /**
   * What happens when a tagged reference reaches the output untouched, so that the page would show the small image:
   * the build fails, or a warning names it. For sites whose text quotes tagged references as whole strings.
   * @default 'error'
   */
  leftovers?: 'error' | 'warn'
  /**
   * Which engines run for pages in development: in Vite's dev server, and in webpack, Rspack and Rsbuild while they watch
   * in mode development. 'auto': free ones, while pages show plainly resampled pictures; of paid ones it shows what is
   * cached. 'full': paid ones as well. 'off': none, and shows what is cached. A build runs all.
   * @default 'auto'
   */
  dev?: 'auto' | 'full' | 'off'
  /** Called with what happened at the end of every build, in watch mode after each rebuild. */
  onReport?: (report: Report) => void
}

/** The plugin's own options, complete and checked, beside what the upscaler checks itself. */
export interface BuildOptions {
  readonly leftovers: 'error' | 'warn'
  readonly dev: 'auto' | 'full' | 'off'
  readonly onReport: (report: Report) => void
  readonly upscaler: UpscalerOptions
}

/** @throws UpscaleError BAD_OPTION for `leftovers`, `dev` or `onReport`; the rest is checked where the upscaler is made */
export function resolveBuildOptions(options: UpscaleOptions): BuildOptions {
  const { leftovers = 'error', dev = 'auto', onReport = () => {}, ...upscaler } = options
  if (leftovers !== 'error' && leftovers !== 'warn') {
    throw badOption(`leftovers is ${JSON.stringify(leftovers)}`, 'set it to "error" or "warn"')
  }
  if (!['auto', 'full', 'off'].includes(dev)) {
    throw badOption(`dev is ${JSON.stringify(dev)}`, 'set it to "auto", "full" or "off"')
  }
  if (typeof onReport !== 'function') {
    throw badOption(`onReport is a ${typeof onReport}`, 'give a function that takes the report')
  }
  return { leftovers, dev, onReport, upscaler }
}

function badOption(problem: string, hint: string): UpscaleError {
  return new UpscaleError('BAD_OPTION', problem, { hint })
}
