import { readFileSync } from 'node:fs'
import type { Importer } from 'upscale-core'
import { pathOf } from './reference.ts'

/**
 * Where a reference stands in the file that has it. Bundlers pass the file only, and often after other plugins
 * rewrote it, so the line is looked up in the file as the user wrote it; it's left out when the text is not there
 * word by word.
 */
export function findPlace(importer: string, reference: string): Importer {
  const file = pathOf(importer)
  const text = readText(file)
  const spellings = [reference, reference.replaceAll('&', '&amp;'), encodeURI(reference), pathOf(reference)]
  for (const spelling of spellings) {
    const at = spelling === '' ? -1 : (text?.indexOf(spelling) ?? -1)
    if (text !== undefined && at !== -1) return { file, line: text.slice(0, at).split('\n').length }
  }
  return { file }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A virtual module, or a file that is gone. The place is a help in a message; without it the message still stands.
    return undefined
  }
}
