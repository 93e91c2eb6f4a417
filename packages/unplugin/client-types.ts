import { DIRECTIVE_KEYS, type OwnKey } from '../core/src/request/directive-keys.ts'

/*
 * TypeScript knows a module that isn't a file by a pattern with one `*`, so a query is typed by its end: here by every
 * value, as far as values can be listed, of every key of the directive's table. Of two patterns that match with the same
 * text before the `*`, the one that was declared first counts, so the more special ones come first.
 */

const numbers = (from: number, to: number, step: number): string[] =>
  Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) =>
    String(Math.round((from + index * step) * 100) / 100),
  )

const FACTORS = [...new Set([...numbers(1.1, 8, 0.1), ...numbers(1.25, 7.75, 0.25)])]
const PERCENT = numbers(1, 100, 1)

/** The values that are typed, by key. Names of engines and presets are a project's own; those of the documentation are here. */
const VALUES: Readonly<Record<OwnKey, readonly string[]>> = {
  upscale: [...FACTORS, 'hero'],
  engine: ['local', 'resize', 'lumenfall', 'fal', 'ideogram', 'fine', 'hero'],
  model: ['auto', 'design', 'photo', 'compressed', 'fast', 'quality'],
  format: ['png', 'jpeg', 'jpg', 'webp', 'avif', 'gif'],
  quality: PERCENT,
  as: ['url', 'srcset', 'metadata'],
  detail: PERCENT,
  resemblance: PERCENT,
  // Any text.
  prompt: [],
  expand_prompt: ['true', 'false'],
  // Of any number, the small ones.
  seed: numbers(0, 100, 1),
}

/** Keys of bundlers that may stand behind ours. */
const KEYS_OF_HOSTS = ['url', 'inline', 'no-inline', 'raw']

/** The declaration files of the package, by name. */
export function clientTypes(): ReadonlyMap<string, string> {
  return new Map([
    ['client.d.ts', file(CLIENT, typesOf('string'))],
    ['client-image.d.ts', file(CLIENT_IMAGE, typesOf('ImportedImage'))],
    ['client-texts.d.ts', file(CLIENT_TEXTS, texts())],
  ])
}

function typesOf(type: string): string[] {
  const factors = VALUES.upscale.map(value => `upscale=${value}`)
  return [
    ...['?upscale', '&upscale', ...factors, ...valuesBehind(), '&as=url'].map(end => declaration(end, type)),
    ...KEYS_OF_HOSTS.map(key => declaration(`&${key}`, 'string')),
  ]
}

/** What may stand behind a factor and behind `as`. */
function valuesBehind(): string[] {
  const keys = Object.keys(DIRECTIVE_KEYS) as OwnKey[]
  return keys
    .filter(key => key !== 'as' && key !== 'upscale')
    .flatMap(key => VALUES[key].map(value => `&${key}=${value}`))
}

function texts(): string[] {
  // Written the other way round too; declared before the patterns of a value alone, which match as well.
  const ends = ['', ...FACTORS.map(factor => `&upscale=${factor}`), ...valuesBehind()]
  return [
    ...ends.flatMap(end => [
      declaration(`as=metadata${end}`, METADATA),
      declaration(`as=srcset${end}`, 'string'),
    ]),
    // Only a list of factors for a `srcset` ends so: `?as=srcset&upscale=2;3`.
    ...FACTORS.map(factor => declaration(`;${factor}`, 'string')),
  ]
}

const METADATA = 'UpscaledImageMetadata'

function declaration(end: string, type: string): string {
  return `declare module '*${end}' { const value: ${type}; export default value }`
}

function file(head: string, declarations: readonly string[]): string {
  return `${head}\n${declarations.join('\n')}\n`
}

const WHAT_IS_TYPED = ` * TypeScript allows one \`*\` in a pattern, so a query is typed by its end: factors in steps of a tenth and a quarter, and
 * the listed values of every other key. What can't be listed has no type here: the name of a preset, a prompt, a large
 * seed, a key of another plugin (\`&w=90\`) or a fragment (\`#top\`) at the end. End the query with \`&as=url\` then, or set the
 * option \`dts\`: the plugin declares the very imports that the project has, and \`npx upscale types\` does before a build.`

const CLIENT = `/*
 * Types of tagged imports, beside those of \`vite/client\`:
 *
 *     { "compilerOptions": { "types": ["vite/client", "unplugin-upscale/client"] } }
 *
${WHAT_IS_TYPED}
 * Written by client-types.ts.
 */

/// <reference path="./client-texts.d.ts" />
`

const CLIENT_IMAGE = `/*
 * Types of tagged imports for frameworks whose image imports are objects: Next.js, Astro. A tagged import has the type that
 * \`./hero.png\` has.
 *
 *     /// <reference types="unplugin-upscale/client/image" />
 *
${WHAT_IS_TYPED}
 * Written by client-types.ts.
 */

/// <reference path="./client-texts.d.ts" />

/** What the framework's own types say of an image. */
type ImportedImage = typeof import('image.png')['default']
`

const CLIENT_TEXTS = `/* What \`as\` gives, the same with every tool. Part of client.d.ts and client-image.d.ts. Written by client-types.ts. */

/** What \`?upscale=2&as=metadata\` gives. */
interface UpscaledImageMetadata {
  /** Address of the upscaled picture. */
  readonly src: string
  /** Size of the upscaled picture, in pixels. */
  readonly width: number
  readonly height: number
  readonly format: 'png' | 'jpeg' | 'webp' | 'avif' | 'gif'
  /** The original and the upscaled picture, for an \`srcset\`. */
  readonly srcset: string
  /** How many times larger than the original, per side. */
  readonly factor: number
  /** Name of the engine that made it. */
  readonly engine: string
}
`
