import { stripVTControlCharacters } from 'node:util'

/** Longest text from outside that a message quotes, in characters. */
const MAX_CHARACTERS = 500

/** Secrets shorter than this are not searched for: they'd black out ordinary words. */
const MIN_SECRET_CHARACTERS = 6

export interface SafeTextOptions {
  /** Values that must not be shown, such as API keys; also found percent-encoded or in base64. */
  readonly secrets?: readonly string[]
  /**
   * Longest result, in characters.
   * @default 500
   */
  readonly maxCharacters?: number
}

/**
 * Makes text that came from a server or a file fit for a message: one line, no terminal escapes, no control,
 * direction or invisible characters, no secrets, at most 500 characters.
 *
 * The order matters: a key with an invisible character inside is a key again once that is gone, so secrets are
 * replaced after cleaning, and the cut comes last so that it can't leave half a key. A secret that a server splits
 * or disguises in another way is not found.
 */
export function safeText(text: string, options: SafeTextOptions = {}): string {
  const { secrets = [], maxCharacters = MAX_CHARACTERS } = options
  const cleaned = redact(clean(text), secrets)
  return cleaned.length <= maxCharacters ? cleaned : `${cut(cleaned, maxCharacters - 1)}…`
}

/** Control, direction and invisible characters, halves of characters, and the line ends of Unicode. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Makes a text fit for one line of a terminal or of a CI log, with everything in it still to be seen: a file called
 * `a\n::error::b` is shown with the two characters `\n`. What would draw, turn or hide text is written as its number,
 * and what a CI service would take for a command (`::error::` at the start, `##[error]`, `##vso[…]`,
 * `##teamcity[…]`) gets a backslash.
 * Names, addresses and texts from outside go through it wherever they are told. Text that went through stays the same.
 */
export function escapeText(text: string): string {
  return text
    .replace(UNSAFE, char => NAMED[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/^(\s*):(?=:)/, '$1\\:')
    .replace(/##(?=\w*\[)/g, '#\\#')
}

/** Colours and weights, which a program gives to a text of its own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape is what is looked for
const COLOUR = /(\u001b\[\d{1,2}m)/

/**
 * The same for text of several lines.
 * @param hasColours leaves colours in
 */
export function escapeLines(text: string, hasColours = false): string {
  const line = (one: string): string =>
    hasColours
      ? one
          .split(COLOUR)
          .map((part, index) => (index % 2 === 1 ? part : escapeText(part)))
          .join('')
      : escapeText(one)
  return text.split('\n').map(line).join('\n')
}

/**
 * The same for a patch, which must apply: tabs and the `\r` of a line end stay, which draw over nothing. A line with anything
 * else that is written as its number is no longer that of the file.
 */
export function escapePatch(patch: string): string {
  const line = (one: string): string => {
    const end = one.endsWith('\r') ? '\r' : ''
    const parts = one.slice(0, one.length - end.length).split('\t')
    return parts.map(escapeText).join('\t') + end
  }
  return patch.split('\n').map(line).join('\n')
}

function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .replace(/\s+/gu, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim()
}

function redact(text: string, secrets: readonly string[]): string {
  let redacted = text
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_CHARACTERS) continue
    for (const form of formsOf(secret)) redacted = redacted.replaceAll(form, '[secret]')
  }
  return redacted
}

/** A secret as it is, percent-encoded, and in base64, whose padding may be missing. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  return [secret, encodeURIComponent(secret), base64, base64.replaceAll('+', '-').replaceAll('/', '_')]
}

/** The first `length` UTF-16 units, without half a character at the end. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')
}
