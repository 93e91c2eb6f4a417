import { type Report, UpscaleError, type UpscalerOptions } from 'upscale-core'
import { checkRules, type UpscaleRule } from 'upscale-toolkit/rules/rule'

/** What a user may write in a bundler's config: the upscaler's options, and those that only a bundler has. */
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
   * cached. 'full': paid ones as well. 'off': none, and shows what is cached. A build runs all. Under Vitest 'auto' is 'off'.
   * @default 'auto'
   */
  dev?: 'auto' | 'full' | 'off'
  /** Called with what happened at the end of every build, in watch mode after each rebuild. */
  onReport?: (report: Report) => void
  /**
   * An HTML file that shows the project's pictures before and after, with their cost, written at the end of every
   * build; relative to the project's folder. It needs no other file.
   * @default none
   */
  report?: string
  /**
   * Writes TypeScript declarations of the tagged imports that the project has, after every build and while a dev server
   * of Vite runs: true for `upscale-env.d.ts`, where the project's `tsconfig.json` looks, or a path ending in `.d.ts`,
   * relative to the project's folder. Before a build, and so before `tsc`, `npx upscale types` writes it.
   * @default false
   */
  dts?: boolean | string
  /**
   * Images of pages that are enlarged without a tag: each gets a `srcset` with a larger picture, `2x` for dense screens.
   * For the HTML pages of Vite; other bundlers don't show their pages, so there it is an error.
   * @default none
   */
  rules?: readonly UpscaleRule[]
}

/** The plugin's own options, complete and checked, beside what the upscaler checks itself. */
export interface BuildOptions {
  readonly leftovers: 'error' | 'warn'
  readonly dev: 'auto' | 'full' | 'off'
  readonly onReport: (report: Report) => void
  /** Relative to the project's folder, or absolute; undefined for none. */
  readonly report: string | undefined
  /** The same, and true for where TypeScript looks. */
  readonly dts: string | true | undefined
  readonly rules: readonly UpscaleRule[]
  readonly upscaler: UpscalerOptions
}

/**
 * @param host whether the plugin sees the host's pages
 * @throws UpscaleError BAD_OPTION for an option of the plugin's own; the rest is checked where the upscaler is made
 */
export function resolveBuildOptions(
  { rules, ...options }: UpscaleOptions,
  { hasPages = false }: { readonly hasPages?: boolean } = {},
): BuildOptions {
  const { leftovers = 'error', dev = 'auto', onReport = () => {}, report, dts = false, ...upscaler } = options
  if (rules !== undefined && !hasPages) {
    throw badOption('rules are for pages, which this bundler does not show to plugins', PAGES_ELSEWHERE)
  }
  if (leftovers !== 'error' && leftovers !== 'warn') {
    throw badOption(`leftovers is ${JSON.stringify(leftovers)}`, 'set it to "error" or "warn"')
  }
  if (!['auto', 'full', 'off'].includes(dev)) {
    throw badOption(`dev is ${JSON.stringify(dev)}`, 'set it to "auto", "full" or "off"')
  }
  if (typeof onReport !== 'function') {
    throw badOption(`onReport is a ${typeof onReport}`, 'give a function that takes the report')
  }
  if (report !== undefined && !(typeof report === 'string' && /[^\\/]\.html?$/i.test(report))) {
    throw badOption(`report is ${JSON.stringify(report)}`, 'give a path that ends in .html')
  }
  if (typeof dts !== 'boolean' && !(typeof dts === 'string' && /[^\\/]\.d\.[cm]?ts$/.test(dts))) {
    throw badOption(`dts is ${JSON.stringify(dts)}`, 'set it to true, or to a path that ends in .d.ts')
  }
  return {
    leftovers,
    dev,
    onReport,
    report,
    dts: dts || undefined,
    rules: checkRules(rules),
    upscaler,
  }
}

const PAGES_ELSEWHERE = 'put them into upscale.config.js, and run "upscale html <folder>" over what was built'

function badOption(problem: string, hint: string): UpscaleError {
  return new UpscaleError('BAD_OPTION', problem, { hint })
}
