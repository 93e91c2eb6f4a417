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
  const line = lineOf(file, [...spellingsOf(reference), pathOf(reference)])
  return line === undefined ? { file } : { file, line }
}

/** The line of a reference in a file that may or may not have it; undefined when the whole text is not there. */
export function findLine(file: string, reference: string): number | undefined {
  return lineOf(file, spellingsOf(reference))
}

function spellingsOf(reference: string): string[] {
  return [reference, reference.replaceAll('&', '&amp;'), encodeURI(reference)]
}

function lineOf(file: string, spellings: readonly string[]): number | undefined {
  const text = readText(file)
  if (text === undefined) return undefined
  const at = spellings
    .map(spelling => (spelling === '' ? -1 : text.indexOf(spelling)))
    .find(found => found !== -1)
  return at === undefined ? undefined : text.slice(0, at).split('\n').length
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A virtual module, or a file that is gone. The place is a help in a message; without it the message still stands.
    return undefined
  }
}
