import { dirname, resolve } from 'node:path'
import MagicString, { type SourceMap } from 'magic-string'
import { type CodeToken, literalText, tokensOf } from '../js-strings.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { type FindFile, isFile } from './vite-files.ts'
import { relativePath } from './vite-paths.ts'
import { slotFor, type ViteSession } from './vite-session.ts'

const AFTER_LITERAL = [',', 'import', '.', 'meta', '.', 'url']

/**
 * Makes every `new URL('<tagged>', import.meta.url)` point at the slot. Vite reads the file itself, from the text of
 * the literal, so the text is what must change. Same reach as Vite's: a literal without `${}`; templates with it
 * become a glob in Vite, whose imports the resolver sees.
 *
 * @param find asks the bundler for a path that isn't relative
 */
export async function rewriteNewUrls(
  code: string,
  id: string,
  session: ViteSession,
  find: FindFile,
): Promise<{ code: string; map: SourceMap } | null> {
  const importer = pathOf(id)
  const edited = new MagicString(code)
  for (const { text, start, end } of findNewUrls(code)) {
    const { slot, rest } = await slotFor({ reference: text, importer }, 'new URL()', session, async path => {
      const beside = resolve(dirname(importer), path)
      return path.startsWith('.') || isFile(beside) ? beside : find(path)
    })
    edited.update(start, end, JSON.stringify(relativePath(importer, slot.file) + rest))
  }
  return edited.hasChanged()
    ? { code: edited.toString(), map: edited.generateMap({ hires: 'boundary' }) }
    : null
}

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
