import { type Report, UpscaleError, type UpscalerOptions } from 'upscale-core'

/** What a user may write in a bundler's config: the upscaler's options, and two that only a build has. */
export interface UpscaleOptions extends UpscalerOptions {
  /**
   * What happens when a tagged reference reaches the output untouched, so that the page would show the small image:
   * the build fails, or a warning names it. For sites whose text quotes tagged references as whole strings.
   * @default 'error'
   */
  leftovers?: 'error' | 'warn'
  /** Called with what happened at the end of every build, in watch mode after each rebuild. */
  onReport?: (report: Report) => void
}

/** The plugin's own options, complete and checked, beside what the upscaler checks itself. */
export interface BuildOptions {
  readonly leftovers: 'error' | 'warn'
  readonly onReport: (report: Report) => void
  readonly upscaler: UpscalerOptions
}

/** @throws UpscaleError BAD_OPTION for `leftovers` or `onReport`; the rest is checked where the upscaler is made */
export function resolveBuildOptions(options: UpscaleOptions): BuildOptions {
  const { leftovers = 'error', onReport = () => {}, ...upscaler } = options
  if (leftovers !== 'error' && leftovers !== 'warn') {
    throw badOption(`leftovers is ${JSON.stringify(leftovers)}`, 'set it to "error" or "warn"')
  }
  if (typeof onReport !== 'function') {
    throw badOption(`onReport is a ${typeof onReport}`, 'give a function that takes the report')
  }
  return { leftovers, onReport, upscaler }
}

function badOption(problem: string, hint: string): UpscaleError {
  return new UpscaleError('BAD_OPTION', problem, { hint })
}
