import { type Importer, UpscaleError } from 'upscale-core'
import { countLines } from 'upscale-toolkit/references'
import {
  type Form,
  findOutputReferences,
  isOutputText,
  type OutputRules,
} from 'upscale-toolkit/references/output'
import { findPlaceIn } from './place.ts'

/*
 * A tagged reference that no hook saw ships the small image, and nothing tells. So the output is searched, by the rules
 * of upscale-toolkit/references/output, and what is found is named with the place in the source that wrote it.
 */

/** A file of the output. */
export interface OutputFile {
  readonly name: string
  readonly text: () => string
}

export interface Leftover {
  readonly reference: string
  /** Name of the output file that has it, and the line from 1. */
  readonly output: string
  readonly line: number
  readonly form: Form
}

export type LeftoverRules = OutputRules

/** True for a file that can hold references and is searched; source maps and pictures are not. */
export const isSearched = isOutputText

/** Finds the tagged references that are still in the output, each once per file. */
export async function findLeftovers(files: Iterable<OutputFile>, rules: LeftoverRules): Promise<Leftover[]> {
  const left: Leftover[] = []
  for (const { name, text } of files) {
    if (!isSearched(name)) continue
    const content = text()
    const lineOf = countLines(content)
    for (const { reference, start, form } of await findOutputReferences(name, content, rules)) {
      left.push({ reference, output: name, line: lineOf(start), form })
    }
  }
  return left
}

/**
 * The error (or the warning's text) about left-over references.
 * @param sources files of the project that may have written them, to name file and line
 */
export function leftoverError(
  leftovers: readonly [Leftover, ...Leftover[]],
  sources: Iterable<string>,
): UpscaleError {
  const [first, ...others] = leftovers
  const more = others.map(({ reference, output }) => `"${reference}" in ${output}`)
  const also = more.length === 0 ? '' : `; also ${more.slice(0, 9).join(', ')}${more.length > 9 ? ', …' : ''}`
  const importer = findImporter(first.reference, sources)
  return new UpscaleError(
    'LEFTOVER_REFERENCE',
    `a tagged reference is still in the output, ${first.output}, so the image would not be upscaled${also}`,
    {
      hint: `${remedyOf(first, importer)}; if this is text about references and not one, set leftovers: "warn"`,
      reference: first.reference,
      importer: importer ?? { file: first.output, line: first.line },
    },
  )
}

/** Content, of which a framework makes data and pages by itself. */
const CONTENT = /\.(?:md|mdx|mdoc|markdown|ya?ml|toml)$/i

/** What to write instead, in the place where the reference stands. */
function remedyOf({ reference, form }: Leftover, importer: Importer | undefined): string {
  if (importer !== undefined && CONTENT.test(importer.file)) {
    const [, extension = '.png', query = '?upscale=2'] = /(\.\w+)(\?.*)$/.exec(reference) ?? []
    return `this file is read as data, in which bundlers read no addresses: name the picture without its query here, and take it where it is shown from import.meta.glob('./**/*${extension}', { query: '${query}', import: 'default', eager: true })`
  }
  const name = nameFor(reference)
  const load = `import ${name} from '${reference}'`
  switch (form) {
    case 'style-string':
      return `bundlers read no CSS in strings: write ${load} and \`url("\${${name}}")\` in the string`
    case 'markup-string':
      return `bundlers read no markup in strings: write ${load} and put \${${name}} into the string`
    case 'data':
      return `bundlers read no addresses in data: write ${load} where the data is used, or new URL('${reference}', import.meta.url).href`
    case 'page':
    case 'text':
      return 'the bundler does not read this place: use an attribute that it reads (src, srcset, href), or run "upscale html" on the output folder'
    case 'style':
      return 'the bundler did not read this style sheet: import it, or import the picture in JavaScript'
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

function findImporter(reference: string, sources: Iterable<string>): Importer | undefined {
  for (const file of sources) {
    const place = findPlaceIn(file, reference)
    if (place !== undefined) return place
  }
  return undefined
}
