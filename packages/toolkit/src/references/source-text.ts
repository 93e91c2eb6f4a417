import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isTaggedPicture, mayHoldTags, PICTURE_EXTENSIONS, pathOf } from './address.ts'
import { countLines } from './lines.ts'
import { scanCss, scanHtml } from './scan.ts'

/** A tagged reference in a source file. */
export interface SourceReference {
  readonly address: string
  readonly line: number
}

const PICTURE = `\\.(?:${PICTURE_EXTENSIONS})\\?`

/** A whole string; or, as in Markdown and unquoted `url()`, a word after a bracket, an equals sign or a space. */
const IN_TEXT = new RegExp(
  `(["'\`])([^"'\`\\r\\n]+?${PICTURE}[^"'\`\\s]+)\\1|(?<=[(=>\\s\\]:])([^\\s"'\`()<>]+${PICTURE}[^\\s"'\`()<>]+)`,
  'gi',
)

/** Holes that a template or a glob fills later. */
const MADE_BY_CODE = /[{}*]/

/** Files that may refer to pictures. */
const SOURCE =
  /\.(?:x?html?|css|scss|sass|less|styl|svg|[cm]?[jt]sx?|vue|svelte|astro|mdx?|markdown|php|ejs|njk|liquid|hbs|handlebars|mustache|pug|twig|erb|haml|json|ya?ml|toml)$/i

/** True for the name of a file that may refer to pictures. Declarations of TypeScript only speak of references. */
export function isSource(name: string): boolean {
  return SOURCE.test(name) && !/\.d\.[cm]?ts$/i.test(name)
}

/**
 * Finds the tagged references in a source file. HTML, CSS and SVG are read as what they are. Everything else is
 * searched for texts that look like references, so one that code puts together is missed, and one in a comment counts.
 */
export function findReferences(name: string, text: string): SourceReference[] {
  if (!mayHoldTags(text)) return []
  if (/\.css$/i.test(name)) return [...scanCss(text).references]
  if (/\.(?:x?html?|svg)$/i.test(name)) return [...scanHtml(text, undefined).references]
  const lineOf = countLines(text)
  return [...text.matchAll(IN_TEXT)].flatMap(({ 2: quoted, 3: bare, index }) => {
    const address = (quoted ?? bare ?? '').replaceAll('&amp;', '&')
    return isTaggedPicture(address) && !MADE_BY_CODE.test(address) ? [{ address, line: lineOf(index) }] : []
  })
}

/**
 * The file that a reference most likely means: relative to the file that has it, else in the folders where bundlers
 * and generators look. Undefined when there is none.
 *
 * @param root the project's folder
 */
export function resolveReference(address: string, source: string, root: string): string | undefined {
  const path = pathOf(address)
  const bare = path.replace(/^~?@\/|^~\/?/, '')
  const places = path.startsWith('/')
    ? ['public', 'static', 'src', '.'].map(folder => join(root, folder, path))
    : [
        resolve(dirname(source), path),
        ...['src', 'public', 'static', '.'].map(folder => join(root, folder, bare)),
      ]
  return places.flatMap(place => [place, decode(place)]).find(place => existsSync(place))
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // A percent sign that stands for itself.
    return path
  }
}
