import { type CodeTokens, isLiteral, readTokens } from 'upscale-toolkit/references/script'
import { isTaggedImage } from './reference.ts'

const BEFORE_LITERAL = ['new', 'URL', '(']
const AFTER_LITERAL = [',', 'import', '.', 'meta', '.', 'url']

interface FoundText {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** The literals of all tagged `new URL(literal, import.meta.url)`, comments and line breaks allowed in between. */
export function findNewUrls(code: string): FoundText[] {
  const tokens = readTokens(code)
  const found: FoundText[] = []
  for (let index = 0; index < tokens.length; index++) {
    const type = tokens.typeAt(index)
    if (type === 'TemplateTail' || !isLiteral(type)) continue
    const value = tokens.valueAt(index)
    const text = value.slice(1, -1)
    if (!isTaggedImage(text) || !isInNewUrl(tokens, index, index) || isIgnored(code, tokens, index)) continue
    const start = tokens.startAt(index)
    found.push({ text, start, end: start + value.length })
  }
  return found
}

/** Whether the tokens from one to another are all of what `new URL(…, import.meta.url)` is given. */
function isInNewUrl(tokens: CodeTokens, first: number, last: number): boolean {
  const isAt = (values: readonly string[], from: number): boolean =>
    values.every((value, at) => tokens.valueAt(from + at) === value)
  return isAt(BEFORE_LITERAL, first - BEFORE_LITERAL.length) && isAt(AFTER_LITERAL, last + 1)
}

/** The tails of all `new URL(`…${name}.png?upscale=2`, import.meta.url)`, of which a bundler of pages makes a choice. */
export function findNewUrlTails(code: string): FoundText[] {
  const tokens = readTokens(code)
  const heads: number[] = []
  const found: FoundText[] = []
  for (let index = 0; index < tokens.length; index++) {
    const type = tokens.typeAt(index)
    if (type === 'TemplateHead') heads.push(index)
    if (type !== 'TemplateTail') continue
    const head = heads.pop() ?? 0
    const text = tokens.valueAt(index).slice(1, -1)
    if (!isTaggedImage(text) || !isInNewUrl(tokens, head, index)) continue
    const start = tokens.startAt(index) + 1
    found.push({ text, start, end: start + text.length })
  }
  return found
}

/** Vite leaves a reference with this comment alone; then the path of a slot must not end up there either. */
function isIgnored(code: string, tokens: CodeTokens, index: number): boolean {
  const from = tokens.startAt(index - 1) + tokens.valueAt(index - 1).length
  return code.slice(from, tokens.startAt(index)).includes('@vite-ignore')
}
