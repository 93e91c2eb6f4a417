import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { UpscaleError } from '../errors.ts'

interface VariableFacts {
  readonly meaning: string
  /** Never printed, stored or bundled. */
  readonly isSecret?: boolean
}

/**
 * The variables that are read, for the documentation, which is made from this table; the proxy's are in
 * engines/http/proxy.ts and those of terminals in the command line tool.
 */
export const VARIABLES: Readonly<Record<string, VariableFacts>> = {
  LUMENFALL_API_KEY: { isSecret: true, meaning: 'key of `lumenfall()`' },
  LUMENFALL_BASE_URL: { meaning: 'address of another gateway of the same kind, version part included' },
  IDEOGRAM_API_KEY: { isSecret: true, meaning: 'key of `ideogram()`' },
  FAL_KEY: { isSecret: true, meaning: 'key of `fal()`' },
  UPSCALE_CACHE_DIR: { meaning: 'the option `cacheDir`' },
  UPSCALE_SCRATCH_DIR: {
    meaning:
      'the folder of what can be made again, else one that the host keeps, or `node_modules/.cache/upscale`',
  },
  XDG_CACHE_HOME: { meaning: 'where caches are kept: each project gets a folder in `upscale/` there' },
  UPSCALE_BUDGET: { meaning: 'the option `budget`, in US dollars' },
  UPSCALE_FROZEN: { meaning: 'the option `frozen`: `1` or `0`' },
  UPSCALE_RETRY: { meaning: 'the option `retry`: `1` or `0`' },
  UPSCALE_REMOTE_CACHE: {
    isSecret: true,
    meaning: 'the option `remoteCache`: an address such as `redis://…`, `https://…` or `s3://…`',
  },
  UPSCALE_REMOTE_CACHE_READONLY: {
    meaning: '`1`: nothing is stored in the remote cache, as for builds of pull requests',
  },
  // Not marked: they are Amazon's, and a page may show keys of its own under a public name.
  AWS_ACCESS_KEY_ID: { meaning: 'who asks a remote cache in S3' },
  AWS_SECRET_ACCESS_KEY: { meaning: 'the key that goes with it' },
  AWS_SESSION_TOKEN: { meaning: 'for credentials that end, the token that goes with them' },
  AWS_REGION: {
    meaning: 'region of the bucket, `us-east-1` if neither this nor `AWS_DEFAULT_REGION` is set',
  },
  AWS_DEFAULT_REGION: { meaning: 'the same, where `AWS_REGION` is not set' },
  AWS_ENDPOINT_URL: { meaning: 'address of another service that speaks S3' },
  UPSCALE_QUEUE: {
    isSecret: true,
    meaning: 'the Redis server of `upscale enqueue`, `work` and `queue`',
  },
  UPSCALE_SERVER_KEYS: {
    isSecret: true,
    meaning: 'keys that clients of `upscale-server` may use, separated by commas',
  },
  CI: { meaning: 'where it is set, and neither empty, `0` nor `false`, paid engines are frozen' },
}

/** Variables that hold a secret. */
export const SECRET_VARIABLES: readonly string[] = Object.keys(VARIABLES).filter(
  name => VARIABLES[name]?.isSecret,
)

/** Prefixes under which common hosts copy variables into the page. */
export const PUBLIC_PREFIXES: readonly string[] = [
  'VITE_',
  'PUBLIC_',
  'NEXT_PUBLIC_',
  'NUXT_PUBLIC_',
  'WEBPACK_',
  'REACT_APP_',
  'GATSBY_',
]

/**
 * The process's variables over those of the project's `.env` files, in Vite's order: `.env`, `.env.local`,
 * `.env.<mode>`, `.env.<mode>.local`, a later file winning. `$NAME` and `${NAME}` in a file's value are expanded, also
 * from the process, as Vite does. Nothing is written back to the process.
 *
 * @param root the folder of the files
 * @param mode by default that of the process, and production where it has none
 */
export function loadEnv(
  root: string,
  mode: string = process.env.NODE_ENV ?? 'production',
  processEnv: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const files = ['.env', '.env.local', `.env.${mode}`, `.env.${mode}.local`]
  const contents = files.map(file => readEnvFile(join(root, file))).filter(content => content !== undefined)
  return contents.length === 0 ? { ...processEnv } : { ...parsed(contents, processEnv), ...processEnv }
}

const require = createRequire(import.meta.url)

/** What files say; a later one wins. The parsers are loaded here, since many projects have no such file. */
function parsed(
  contents: readonly Buffer[],
  processEnv: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  // Not Node's own parser: that of Node 20 loses the order, and a value may only name earlier ones.
  const { parse } = require('dotenv') as typeof import('dotenv')
  const { expand } = require('dotenv-expand') as typeof import('dotenv-expand')
  const variables: Record<string, string> = Object.assign({}, ...contents.map(content => parse(content)))
  expand({ parsed: variables, processEnv: definedOnly(processEnv) })
  return variables
}

/** @throws UpscaleError KEY_EXPOSED when a key stands under a name that a bundler would put into the page */
export function refuseExposedKeys(env: Readonly<Record<string, string | undefined>>): void {
  for (const prefix of PUBLIC_PREFIXES) {
    for (const variable of SECRET_VARIABLES) {
      const name = `${prefix}${variable}`
      if (env[name] === undefined || env[name] === '') continue
      throw new UpscaleError('KEY_EXPOSED', `${name} would be readable in the page that ships`, {
        hint: `rename it to ${variable}, and replace the key if a build with it was ever published`,
      })
    }
  }
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const defined = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return Object.fromEntries(defined)
}

/** @returns undefined where there is none */
function readEnvFile(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch (error) {
    // A project without this file is the normal case; a folder of that name (a Python habit) is no env file either.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR'))
      return undefined
    throw error
  }
}
