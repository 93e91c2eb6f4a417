/*
 * Small projects with one tagged reference each, put together from a seed: a form, an environment, a quoting, a spelling
 * and a host. The same seed gives the same projects.
 */

export const GENERATED_HOSTS = [
  'Vite 8',
  'webpack',
  'rspack',
  'rollup',
  'rolldown',
  'esbuild',
  'farm',
] as const
export type GeneratedHost = (typeof GENERATED_HOSTS)[number]
export type Environment = 'page' | 'worker' | 'shared worker' | 'nested worker' | 'inline worker' | 'server'

export interface GeneratedCase {
  /** Says all that was chosen. */
  readonly name: string
  readonly host: GeneratedHost
  readonly environment: Environment
  readonly inlineLimit: number
  readonly files: Readonly<Record<string, string>>
}

/** The picture that every project refers to. */
export const GENERATED_PICTURE = 'src/hero.png'

type Quote = "'" | '"' | '`'
const QUOTES: readonly Quote[] = ["'", '"', '`']
const SPELLINGS = [
  './hero.png?upscale=2',
  '../src/hero.png?upscale=2',
  './hero.png?upscale',
  './hero.png?upscale=1.5',
  './hero.png?upscale=2&format=webp',
  './hero.png?upscale=2&engine=resize',
] as const

const quoted = (text: string, quote: Quote): string => {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
  return `${quote}${escaped}${quote}`
}
/** A quote that may stand in a string of another one. */
const inner = (quote: Quote): string => (quote === "'" ? '"' : "'")
const literal = (text: string, quote: Quote): string => quoted(text, quote === '`' ? "'" : quote)
const json = (reference: string): string => JSON.stringify({ items: [{ image: reference }] })

/** What `src/code.js` has. The value goes to `globalThis.shown`, which no minifier takes away. */
const CODE: Readonly<Record<string, (reference: string, quote: Quote) => string>> = {
  import: (reference, quote) => `import a from ${literal(reference, quote)}\nglobalThis.shown = a`,
  'import()': (reference, quote) =>
    `import(${literal(reference, quote)}).then(a => { globalThis.shown = a.default })`,
  metadata: (reference, quote) =>
    `import a from ${literal(`${reference}&as=metadata`, quote)}\nglobalThis.shown = a`,
  srcset: (reference, quote) =>
    `import a from ${literal(`${reference}&as=srcset`, quote)}\nglobalThis.shown = a`,
  'new URL()': (reference, quote) =>
    `globalThis.shown = new URL(${quoted(reference, quote)}, import.meta.url).href`,
  'a string': (reference, quote) => `globalThis.shown = ${quoted(reference, quote)}`,
  'a sum': (reference, quote) =>
    `globalThis.shown = './' + globalThis.name + ${quoted(reference.slice(reference.indexOf('.png')), quote)}`,
  'a style object': (reference, quote) =>
    `globalThis.shown = { background: ${quoted(`url(${inner(quote)}${reference}${inner(quote)}) no-repeat`, quote)} }`,
  'a declaration': (reference, quote) =>
    `globalThis.shown = ${quoted(`color: red; background-image: url(${reference})`, quote)}`,
  'a sheet': (reference, quote) =>
    `globalThis.shown = ${quoted(`.a { background: image-set(${inner(quote)}${reference}${inner(quote)} 1x) }`, quote)}`,
  'a template of styles': reference =>
    `globalThis.shown = (globalThis.css)\`color: \${globalThis.colour}; background: url("${reference}");\``,
  markup: (reference, quote) =>
    `globalThis.shown = ${quoted(`<p><img src=${inner(quote)}${reference.replaceAll('&', '&amp;')}${inner(quote)}></p>`, quote)}`,
  'a list': (reference, quote) => `globalThis.shown = ${quoted(`./small.png 1x, ${reference} 2x`, quote)}`,
  data: (reference, quote) => `globalThis.shown = JSON.parse(${quoted(json(reference), quote)})`,
  Markdown: (reference, quote) => `globalThis.shown = ${quoted(`Hi ![a hero](${reference})`, quote)}`,
  'code in a blob': (reference, quote) =>
    `globalThis.shown = new Blob([${quoted(`postMessage(${inner(quote)}${reference}${inner(quote)})`, quote)}])`,
}

const STYLE: Readonly<Record<string, (reference: string, quote: Quote) => string>> = {
  'url()': (reference, quote) => `a { background: url(${literal(reference, quote)}) }`,
  'bare url()': reference => `a { background: url(${reference}) }`,
  'image-set()': (reference, quote) => `a { background: image-set(url(${literal(reference, quote)}) 1x) }`,
  'a variable': (reference, quote) => `:root { --a: url(${literal(reference, quote)}) }`,
}

const MARKUP: Readonly<Record<string, (reference: string, quote: Quote) => string>> = {
  src: (reference, quote) => `<img src=${literal(reference, quote)}>`,
  srcset: (reference, quote) => `<img srcset=${literal(`${reference} 2x`, quote)}>`,
  style: (reference, quote) => `<p style=${literal(`background: url(${reference})`, quote)}></p>`,
  'data-src': (reference, quote) => `<img data-src=${literal(reference, quote)}>`,
  handler: (reference, quote) =>
    `<img onerror=${literal(`this.src=${quote === '"' ? "'" : '"'}${reference}${quote === '"' ? "'" : '"'}`, quote)}>`,
  'a JSON script': reference => `<script type="application/ld+json">${json(reference)}</script>`,
}

type Language = 'code' | 'style' | 'page'

const LANGUAGES: Readonly<Record<GeneratedHost, readonly Language[]>> = {
  'Vite 8': ['code', 'code', 'style', 'page'],
  webpack: ['code', 'code', 'style'],
  rspack: ['code', 'code', 'style'],
  rollup: ['code'],
  rolldown: ['code'],
  esbuild: ['code', 'code', 'style'],
  farm: ['code', 'code', 'style'],
}

const WORKERS = ['worker', 'shared worker', 'nested worker'] as const

/** Hosts without an entry of workers leave them to whoever runs the output. */
const ENVIRONMENTS: Readonly<Record<GeneratedHost, readonly Environment[]>> = {
  'Vite 8': ['page', ...WORKERS, 'inline worker', 'server'],
  webpack: ['page', ...WORKERS, 'server'],
  rspack: ['page', ...WORKERS, 'server'],
  rollup: ['page'],
  rolldown: ['page'],
  esbuild: ['page', 'server'],
  farm: ['page', 'worker'],
}

/** @returns as many projects as asked for */
export function generateCases(seed: number, count: number): GeneratedCase[] {
  const random = createRandom(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  return Array.from({ length: count }, (_, index) => {
    const host = pick(GENERATED_HOSTS)
    const quote = pick(QUOTES)
    const reference = pick(SPELLINGS)
    const inlineLimit = pick([0, 4096])
    const language = pick(LANGUAGES[host])
    const forms = language === 'code' ? CODE : language === 'style' ? STYLE : MARKUP
    const form = pick(Object.keys(forms))
    const text = forms[form]?.(reference, quote) ?? ''
    const environment = language === 'code' ? pick(ENVIRONMENTS[host]) : 'page'
    return {
      name: `${index} (seed ${seed}): ${form} in ${language} of a ${environment}, ${host}, ${quote}${reference}${quote}, limit ${inlineLimit}`,
      host,
      environment,
      inlineLimit,
      files: filesOf(language, environment, text),
    }
  })
}

const worker = (kind: string, file: string): string =>
  `new ${kind}(new URL('./${file}', import.meta.url), { type: 'module' })`

/** How `src/main.js` comes to `src/code.js`. */
const STARTS: Readonly<Record<Environment, string>> = {
  page: "import './code.js'",
  server: "import './code.js'",
  worker: worker('Worker', 'code.js'),
  'shared worker': worker('SharedWorker', 'code.js'),
  'nested worker': worker('Worker', 'outer.js'),
  'inline worker': "import Inline from './code.js?worker&inline'\nnew Inline()",
}

function filesOf(language: Language, environment: Environment, text: string): Record<string, string> {
  const main = language === 'code' ? STARTS[environment] : language === 'style' ? "import './style.css'" : ''
  return {
    // Beside the picture, where pages of the other hosts are as well.
    'src/index.html': `<!doctype html>\n<html><body>\n${language === 'page' ? text : ''}\n<script type="module" src="./main.js"></script></body></html>\n`,
    // Farm's page.
    'index.html':
      '<!doctype html>\n<html><body><script type="module" src="./src/main.js"></script></body></html>\n',
    'src/main.js': main,
    ...(environment === 'nested worker' ? { 'src/outer.js': STARTS.worker } : {}),
    ...(language === 'code' ? { 'src/code.js': text } : {}),
    ...(language === 'style' ? { 'src/style.css': text } : {}),
  }
}

/** Numbers from 0 to 1 by the method "mulberry32". */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
