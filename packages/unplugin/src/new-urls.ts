import { type CodeToken, literalText, tokensOf } from 'upscale-toolkit/references/script'
import { isTaggedImage } from './reference.ts'

const AFTER_LITERAL = [',', 'import', '.', 'meta', '.', 'url']

/** The literals of all tagged `new URL(literal, import.meta.url)`, comments and line breaks allowed in between. */
export function findNewUrls(code: string): { text: string; start: number; end: number }[] {
  const tokens = [...tokensOf(code)]
  return tokens.flatMap((token, index) => {
    const text = token.type === 'TemplateTail' ? undefined : literalText(token)
    if (text === undefined || !isTaggedImage(text)) return []
    if (!isInNewUrl(tokens, index, index) || isIgnored(token)) return []
    return [{ text, start: token.start, end: token.start + token.value.length }]
  })
}

/** Whether the tokens from one to another are all of what `new URL(…, import.meta.url)` is given. */
function isInNewUrl(tokens: readonly CodeToken[], first: number, last: number): boolean {
  const before = tokens.slice(Math.max(0, first - 3), first).map(({ value }) => value)
  const after = tokens.slice(last + 1, last + 1 + AFTER_LITERAL.length).map(({ value }) => value)
  return before.join(' ') === 'new URL (' && after.join(' ') === AFTER_LITERAL.join(' ')
}

/** The tails of all `new URL(`…${name}.png?upscale=2`, import.meta.url)`, of which a bundler of pages makes a choice. */
export function findNewUrlTails(code: string): { text: string; start: number; end: number }[] {
  const tokens = [...tokensOf(code)]
  const heads: number[] = []
  return tokens.flatMap((token, index) => {
    if (token.type === 'TemplateHead') heads.push(index)
    if (token.type !== 'TemplateTail') return []
    const head = heads.pop() ?? 0
    const text = literalText(token)
    if (text === undefined || !isTaggedImage(text) || !isInNewUrl(tokens, head, index)) return []
    return [{ text, start: token.start + 1, end: token.start + token.value.length - 1 }]
  })
}

/** Vite leaves a reference with this comment alone; then the path of a slot must not end up there either. */
function isIgnored({ comments }: CodeToken): boolean {
  return comments.includes('@vite-ignore')
}
