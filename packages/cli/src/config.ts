import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UpscaleError, type UpscalerOptions } from 'upscale-core'
import { loadEnv, show } from 'upscale-core/internal'
import { checkRules, type UpscaleRule } from 'upscale-toolkit/rules/rule'

/** Names of the config file, in the order in which they are looked for. */
export const CONFIG_NAMES: readonly string[] = ['ts', 'mts', 'js', 'mjs'].map(
  extension => `upscale.config.${extension}`,
)

export interface Config {
  /** The config's folder, else the working folder; absolute. */
  readonly root: string
  /** The file that was read; undefined when there is none. */
  readonly file?: string
  readonly options: UpscalerOptions
  /** The process's environment with the `.env` files of the root. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** For images of pages. */
  readonly rules: readonly UpscaleRule[]
}

/** What a config file may say. */
export interface CommandOptions extends UpscalerOptions {
  /** Images of pages that are enlarged without a tag, for `upscale html`, `plan`, `warm` and `report`. @default none */
  rules?: readonly UpscaleRule[]
}

/**
 * Gives a config file its types; returns what it gets.
 *
 * @example
 * // upscale.config.ts
 * import { defineConfig } from 'upscale-cli'
 * export default defineConfig({ factor: 2, budget: 5 })
 */
export function defineConfig(options: CommandOptions): CommandOptions {
  return options
}

/**
 * Reads the config file, where there is one. Its options are checked later, with the flags over them.
 *
 * @param file as given with `--config`, relative to the working folder
 * @throws UpscaleError BAD_OPTION when the file is missing, fails, or exports something else than options
 */
export async function loadConfig(file: string | undefined): Promise<Config> {
  const cwd = process.cwd()
  const found = file === undefined ? findConfig(cwd) : resolve(cwd, file)
  if (found === undefined) return { root: cwd, options: {}, rules: [], env: loadEnv(cwd) }
  if (!existsSync(found)) {
    throw new UpscaleError('BAD_OPTION', `there is no config file ${found}`, {
      hint: 'check the path after --config',
    })
  }
  const root = dirname(found)
  const { rules, ...options } = await readConfig(found)
  return { root, file: found, options, rules: checkRules(rules), env: loadEnv(root) }
}

function findConfig(folder: string): string | undefined {
  return CONFIG_NAMES.map(name => join(folder, name)).find(file => existsSync(file))
}

async function readConfig(file: string): Promise<CommandOptions> {
  const options = await importDefault(file).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('BAD_OPTION', `the config file failed: ${reason}`, {
      hint: 'repair it',
      file,
      cause,
    })
  })
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  throw new UpscaleError('BAD_OPTION', `the config file exports ${show(options)}, expected an object`, {
    hint: 'write export default { … }',
    file,
  })
}

async function importDefault(file: string): Promise<unknown> {
  if (/\.m?ts$/.test(file)) {
    // Node 20 can't strip types. Loaded only here, since most runs have no TypeScript config.
    const { createJiti } = await import('jiti')
    return createJiti(import.meta.url).import(file, { default: true })
  }
  const module: unknown = await import(pathToFileURL(file).href)
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined
}
