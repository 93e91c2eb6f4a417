import { type Importer, UpscaleError } from 'upscale-core'
import { countLines, isElsewhere } from 'upscale-toolkit/references'
import {
  type Form,
  findOutputReferences,
  isOutputText,
  type OutputRules,
} from 'upscale-toolkit/references/output'
import { findPlaceIn } from './place.ts'
import { pathOf } from './reference.ts'
import { filesOf, type ProjectFolders } from './written-place.ts'

/*
 * A tagged reference that no hook saw ships the small image, and nothing tells. So the output is searched, by the rules
 * of upscale-toolkit/references/output, and what is found is named with the place in the source that wrote it.
 */

/** A file of the output. */
export interface OutputFile {
  readonly name: string
  readonly text: () => string
  /** True for a file that the bundler took over as it is, such as a service worker by `new URL()`. */
  readonly isCopy?: boolean
}

export interface Leftover {
  readonly reference: string
  /** Name of the output file that has it, and the line from 1. */
  readonly output: string
  readonly line: number
  readonly form: Form
  readonly isCopy: boolean
}

export type LeftoverRules = OutputRules

/** True for a file that can hold references and is searched; source maps and pictures are not. */
export const isSearched: (name: string) => boolean = isOutputText

/** Finds the tagged references that are still in the output, each once per file. */
export async function findLeftovers(files: Iterable<OutputFile>, rules: LeftoverRules): Promise<Leftover[]> {
  const left: Leftover[] = []
  for (const { name, text, isCopy = false } of files) {
    if (!isSearched(name)) continue
    const content = text()
    const lineOf = countLines(content)
    for (const { reference, start, form } of await findOutputReferences(name, content, rules)) {
      left.push({ reference, output: name, line: lineOf(start), form, isCopy })
    }
  }
  return left
}

/** Where the text of a leftover may come from. */
export interface Origins extends ProjectFolders {
  /**
   * Files that the output was made of, absolute. Pages that are copied, and values that a config or the environment puts
   * in, are none.
   */
  readonly modules: Iterable<string>
}

/** The error (or the warning's text) about left-over references. */
export async function leftoverError(
  leftovers: readonly [Leftover, ...Leftover[]],
  origins: Origins,
): Promise<UpscaleError> {
  const [first, ...others] = leftovers
  const more = others.map(({ reference, output }) => `"${reference}" in ${output}`)
  const also = more.length === 0 ? '' : `; also ${more.slice(0, 9).join(', ')}${more.length > 9 ? ', …' : ''}`
  const importer = await findImporter(first, origins)
  const error = new UpscaleError(
    'LEFTOVER_REFERENCE',
    `a tagged reference is still in the output, ${first.output}, so the image would not be upscaled${also}`,
    {
      hint: `${remedyOf(first, importer)}; if this is text about references and not one, set leftovers: "warn"`,
      reference: first.form === 'tail' ? `…${first.reference}` : first.reference,
      importer: importer ?? { file: first.output, line: first.line },
    },
  )
  // Hosts print the stack of a plugin's error below the message, and this one would lead into our code.
  error.stack = `${error.name}: ${error.message}`
  return error
}

/** Content, of which a framework makes data and pages by itself. */
const CONTENT = /\.(?:md|mdx|mdoc|markdown|ya?ml|toml)$/i

const NOT_READ =
  'the bundler does not read this place: use an attribute that it reads (src, srcset, href), or run "upscale html" on the output folder'

/** What to write instead, in the place where the reference stands. */
function remedyOf({ reference, output, form, isCopy }: Leftover, importer: Importer | undefined): string {
  if (isCopy && /\.[cm]?js$/.test(output)) {
    return "the bundler copies this script as it is: keep it among the sources, and let it be built (in Vite: import address from './sw.js?worker&url')"
  }
  if (importer !== undefined && CONTENT.test(importer.file)) {
    return `this file is read as data, in which bundlers read no addresses: name the picture without its query here, and take it where it is shown from import.meta.glob('./**/*${extensionOf(reference)}', { query: '${queryIn(reference)}', import: 'default', eager: true })`
  }
  const name = nameFor(reference)
  const load = `import ${name} from '${reference}'`
  switch (form) {
    case 'style-string':
      return `bundlers read no CSS in strings: write ${load} and \`url("\${${name}}")\` in the string`
    case 'markup-string':
      return `bundlers read no markup in strings: write ${load} and put \${${name}} into the string`
    case 'markdown-string':
      return `bundlers read no Markdown in strings and data: write ${load} where it is shown, or new URL('${reference}', import.meta.url).href`
    case 'data':
      return `bundlers read no addresses in data: write ${load} where the data is used, or new URL('${reference}', import.meta.url).href`
    case 'page':
      if (isElsewhere(reference)) {
        return `bundlers leave whole addresses alone: write it without the server's name, or build with leftovers: "warn" and let "upscale html --base ${originOf(reference)}/" rewrite the output folder`
      }
      return NOT_READ
    case 'text':
      return NOT_READ
    case 'style':
      return 'bundlers read url() and image-set() in declarations of style sheets that they are given: write it so, import the sheet, or import the picture in JavaScript'
    case 'tail':
      return `what a sum or a template gives is known only when the code runs: import each picture, or in Vite take it from import.meta.glob('./*${extensionOf(reference)}', { query: '${queryIn(reference)}', import: 'default', eager: true })`
    case 'string':
      return `the bundler handles a reference only where it can read it: write ${load}, or a literal new URL(…, import.meta.url)`
  }
}

/** A name for the variable of an import: `my-hero.png` is `myHero`. */
function nameFor(reference: string): string {
  const stem = /([^/]*)\.[a-z]+\?/i.exec(reference)?.[1] ?? ''
  const name = stem.replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())
  return /^[a-z]\w*$/i.test(name) ? name : 'picture'
}

function extensionOf(reference: string): string {
  return /\.\w+$/.exec(pathOf(reference))?.[0] ?? ''
}

/** `https://example.com` of a whole address; of one without a protocol too. */
function originOf(reference: string): string {
  return new URL(reference, 'https://site.invalid').origin
}

function queryIn(reference: string): string {
  return reference.slice(pathOf(reference).length)
}

const STYLE_SHEET = /\.(?:css|scss|sass|less|styl|stylus|pcss|postcss|sss)$/i

/** The place that wrote a leftover: in a file of its language at best, since a page and its style sheet may have the same. */
async function findImporter(
  { reference, form }: Leftover,
  { modules, ...folders }: Origins,
): Promise<Importer | undefined> {
  const own = [...modules]
  const isLikely = (file: string): boolean => STYLE_SHEET.test(file) === (form === 'style')
  const [likely, others] = [own.filter(isLikely), own.filter(file => !isLikely(file))]
  // Bundlers put in what a template is given where they know it; of the reference its tail stands in the source then.
  for (const written of [reference, extensionOf(reference) + queryIn(reference)]) {
    for await (const file of inTurn(likely, others, filesOf(folders))) {
      const place = findPlaceIn(file, written)
      if (place !== undefined) return place
    }
  }
  return undefined
}

async function* inTurn<T>(...lists: readonly (Iterable<T> | AsyncIterable<T>)[]): AsyncGenerator<T> {
  for (const list of lists) yield* list
}
