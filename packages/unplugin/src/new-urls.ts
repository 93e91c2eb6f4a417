import { type CodeToken, literalText, tokensOf } from 'upscale-toolkit/references/script'
import { isTaggedImage } from './reference.ts'

const AFTER_LITERAL = [',', 'import', '.', 'meta', '.', 'url']

/** The literals of all tagged `new URL(literal, import.meta.url)`, comments and line breaks allowed in between. */
export function findNewUrls(code: string): { text: string; start: number; end: number }[] {
  const tokens = [...tokensOf(code)]
  return tokens.flatMap((token, index) => {
    const text = token.type === 'TemplateTail' ? undefined : literalText(token)
    if (text === undefined || !isTaggedImage(text)) return []
    const before = tokens.slice(Math.max(0, index - 3), index).map(({ value }) => value)
    const after = tokens.slice(index + 1, index + 1 + AFTER_LITERAL.length).map(({ value }) => value)
    const isNewUrl = before.join(' ') === 'new URL (' && after.join(' ') === AFTER_LITERAL.join(' ')
    if (!isNewUrl || isIgnored(token)) return []
    return [{ text, start: token.start, end: token.start + token.value.length }]
  })
}

/** Vite leaves a reference with this comment alone; then the path of a slot must not end up there either. */
function isIgnored({ comments }: CodeToken): boolean {
  return comments.includes('@vite-ignore')
}
