import colourSet from 'picocolors'
import { isUpscaleError } from 'upscale-core'
import { escapeLines, escapePatch, escapeText } from 'upscale-core/internal'
import { type LiveLine, openLiveLine } from 'upscale-toolkit/terminal'

type Colours = ReturnType<typeof colourSet.createColors>

/** A document for `--json`: anything that JSON can hold. */
export type Document = object

/**
 * The only place that writes to the terminal. Results go to stdout; progress, notices and errors to stderr, so that
 * `upscale … > file` holds nothing but the result.
 */
export interface Printer {
  readonly json: boolean
  /** Colours for stdout; plain functions where there are none. */
  readonly paint: Colours
  /** True where a line on stderr can be drawn over. */
  readonly live: boolean
  /** A line for a person on stdout; nothing with `--json`. */
  result(text: string): void
  /** The same for a patch. @returns false where something in it had to be escaped, so that it doesn't apply */
  patch(text: string): boolean
  /** The one document of a command on stdout; nothing without `--json`. */
  document(document: Document): void
  /** Bytes for stdout. */
  bytes(bytes: Uint8Array): Promise<void>
  /** One line on stderr. */
  note(text: string): void
  /** Draws the live line over; nothing happens where {@link live} is false. */
  readonly draw: LiveLine['draw']
  /** Takes the live line away. */
  clear(): void
  error(error: unknown): void
}

/** @param quiet no notes, only results and errors */
export function createPrinter({ json = false, quiet = false }: PrintFlags = {}): Printer {
  const { stdout, stderr } = process
  const line = quiet ? undefined : openLiveLine(process)
  const isColoured = hasColours(stdout.isTTY === true, process.env)
  const paint = colourSet.createColors(isColoured)
  const warn = colourSet.createColors(hasColours(stderr.isTTY === true, process.env))
  return {
    json,
    paint,
    live: line !== undefined,
    draw: textFor => line?.draw(textFor),
    clear: () => line?.clear(),
    result(text) {
      if (!json) console.log(escapeLines(text, isColoured))
    },
    patch(text) {
      const shown = escapePatch(text)
      if (!json) console.log(shown.replace(/\n$/, ''))
      return shown === text
    },
    document(document) {
      if (json) console.log(jsonText(document))
    },
    bytes: bytes =>
      new Promise((settle, fail) => {
        stdout.write(bytes, error => (error ? fail(error) : settle()))
      }),
    note(text) {
      if (!quiet) console.error(escapeText(text))
    },
    error: error => console.error(`${warn.red('error')} ${messageOf(error)}`),
  }
}

export interface PrintFlags {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What an error says to a person: what happened, where, what to do. */
export function messageOf(error: unknown): string {
  if (isUpscaleError(error)) return escapeLines(error.message)
  return escapeText(error instanceof Error ? error.message : String(error))
}

/** JSON in which a terminal finds nothing to act upon: JSON itself lets DEL, C1 and invisible characters through. */
function jsonText(document: Document): string {
  const code = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(document, undefined, 2)
    .replace(/[\x7f-\x9f]|\p{Cf}|\p{Zl}|\p{Zp}/gu, chars =>
      [...Array(chars.length).keys()].map(at => code(chars.charAt(at))).join(''),
    )
    .replace(/##(?=\w*\[)/g, '#\\u0023')
}

/** An error as part of a document. */
export function errorFacts(error: unknown): object {
  if (!isUpscaleError(error)) return { code: 'UNEXPECTED', problem: messageOf(error) }
  const { file, reference, importer, hint, requestId } = error.details
  return { code: error.code, problem: error.problem, hint, file, reference, importer, requestId }
}

type Env = Readonly<Record<string, string | undefined>>

/** The rules of no-color.org and force-color.org; without either, colours where a person looks. */
function hasColours(isTerminal: boolean, env: Env): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  const { FORCE_COLOR: forced } = env
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return isTerminal && env.TERM !== 'dumb'
}
