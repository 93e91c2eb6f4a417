import type { SourceMap } from 'magic-string'
import type { TextEdit } from 'upscale-toolkit/references'

/** A module whose text was changed. */
export interface EditedCode {
  readonly code: string
  readonly map: SourceMap
}

/**
 * A module with edits, in any order, and its source map; null without edits. What makes maps is loaded at the first edit,
 * since most builds have none.
 */
export async function editCode(code: string, edits: readonly TextEdit[]): Promise<EditedCode | null> {
  if (edits.length === 0) return null
  const { default: MagicString } = await import('magic-string')
  const edited = new MagicString(code)
  for (const { start, end, text } of edits) edited.update(start, end, text)
  return { code: edited.toString(), map: edited.generateMap({ hires: 'boundary' }) }
}
