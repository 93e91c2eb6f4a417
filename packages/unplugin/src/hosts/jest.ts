import { hash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative } from 'node:path'
import { imageSize } from 'image-size'
import { isTaggedImage, pathOf } from '../reference.ts'

/*
 * Jest bundles nothing and shows nothing, so a tagged import gives what a test can see of one: the address of the image
 * as it is, and the size that the picture will have. No engine runs, and no option of the plugin is read.
 */

/** What is used of what Jest gives a resolver. */
export interface JestResolverOptions {
  readonly basedir: string
  readonly rootDir: string
  readonly defaultResolver: (path: string, options: JestResolverOptions) => string
}

/** What is used of what Jest gives a transformer. */
export interface JestTransformOptions {
  readonly config: { readonly rootDir: string }
}

/** A factor that only the project's configuration knows, that of a preset among them, is taken for this. */
const DEFAULT_FACTOR = 2

/**
 * Jest's `resolver`: a tagged import leads to a module with its address, its `srcset` or its facts.
 * @throws what Jest throws for a file that is not there
 */
export function sync(path: string, options: JestResolverOptions): string {
  if (!isTaggedImage(path)) return options.defaultResolver(path, options)
  const source = options.defaultResolver(pathOf(path), options)
  const code = `module.exports = ${JSON.stringify(exported(source, path, options.rootDir))}\n`
  const name = `${basename(source)}-${hash('sha256', code, 'hex').slice(0, 16)}.cjs`
  const file = join(options.rootDir, 'node_modules/.cache/upscale/jest', name)
  writeWhole(file, code)
  return file
}

/** Jest's transformer of pictures: for tests in native modules, where Jest takes the query off before it resolves. */
export const transformer: {
  process(text: string, file: string, options: JestTransformOptions): { readonly code: string }
} = {
  process: (_, file, { config }) => ({
    code: `module.exports = ${JSON.stringify(addressOf(file, config.rootDir))}`,
  }),
}

function exported(source: string, reference: string, root: string): unknown {
  const query = new URLSearchParams(reference.slice(pathOf(reference).length))
  const src = addressOf(source, root)
  const factors = (query.get('upscale') ?? '').split(';').map(text => Number(text) || DEFAULT_FACTOR)
  const srcset = [`${src} 1x`, ...factors.map(factor => `${src} ${factor}x`)].join(', ')
  const as = query.get('as')
  if (as === 'srcset') return srcset
  if (as !== 'metadata') return src
  const [factor = DEFAULT_FACTOR] = factors
  const { width, height } = sizeOf(source)
  const format = query.get('format') ?? FORMATS[extname(source).toLowerCase()] ?? extname(source).slice(1)
  const size = { width: Math.round(width * factor), height: Math.round(height * factor) }
  return { src, srcset, ...size, format, factor, engine: query.get('engine') ?? 'local' }
}

const FORMATS: Readonly<Record<string, string>> = { '.jpg': 'jpeg', '.jpeg': 'jpeg' }

/** Relative to Jest's `rootDir`, so that a snapshot is the same on every machine. */
function addressOf(source: string, root: string): string {
  return relative(root, source).replaceAll('\\', '/')
}

/** As it is shown, so with the camera's orientation applied. */
function sizeOf(source: string): { readonly width: number; readonly height: number } {
  const { width, height, orientation = 1 } = imageSize(readFileSync(source))
  return orientation > 4 ? { width: height, height: width } : { width, height }
}

/** Several workers of Jest may write the same module. */
function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, text)
  try {
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    // Windows replaces no file that another worker reads; what is there is as good.
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) throw error
  }
}
