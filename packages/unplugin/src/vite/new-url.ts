import { dirname, resolve } from 'node:path'
import type { TextEdit } from 'upscale-toolkit/references'
import { type EditedCode, editCode } from '../edited-code.ts'
import { isFile } from '../is-file.ts'
import { findNewUrls, findNewUrlTails } from '../new-urls.ts'
import { pathOf } from '../reference.ts'
import type { FindFile } from './files.ts'
import { relativePath } from './paths.ts'
import { addressFor, type ViteSession } from './session.ts'

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
): Promise<EditedCode | null> {
  const importer = pathOf(id)
  const edits: TextEdit[] = []
  for (const { text, start, end } of findNewUrls(code)) {
    const site = { reference: text, importer }
    const { file, rest } = await addressFor(site, 'new URL()', session, async path => {
      const beside = resolve(dirname(importer), path)
      return path.startsWith('.') || isFile(beside) ? beside : find(path)
    })
    edits.push({ start, end, text: JSON.stringify(relativePath(importer, file) + rest) })
  }
  return editCode(code, edits)
}

/**
 * The same code with every `new URL('<tagged>', import.meta.url)` as it is without the tag: a module that the server
 * shares with the browser has it for the browser only.
 */
export function withoutTags(code: string, { projectUpscaler }: ViteSession): Promise<EditedCode | null> {
  const edits: TextEdit[] = []
  for (const { text, start, end } of findNewUrls(code)) {
    const { path, rest } = projectUpscaler.parse({ reference: text, importer: undefined })
    edits.push({ start, end, text: JSON.stringify(path + rest) })
  }
  for (const { text, start, end } of findNewUrlTails(code)) {
    const { path, rest } = projectUpscaler.parse({ reference: text, importer: undefined })
    edits.push({ start, end, text: path + rest })
  }
  return editCode(code, edits)
}
