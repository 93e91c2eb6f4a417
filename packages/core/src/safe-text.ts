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
