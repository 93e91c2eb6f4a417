import { readFileSync } from 'node:fs'
import type { Importer } from 'upscale-core'
import { countLines, findSourcePlace } from 'upscale-toolkit/references'
import { pathOf } from './reference.ts'

/**
 * Where a reference stands in the file that has it. Bundlers pass the file only, and often after other plugins
 * rewrote it, so the place is looked for in the file as the user wrote it; it's left out when the file doesn't have it
 * word by word.
 */
export function findPlace(importer: string, reference: string): Importer {
  const file = pathOf(importer)
  return findPlaceIn(file, reference) ?? findPlaceIn(file, pathOf(reference)) ?? { file }
}

/** The place of a reference in a file that may or may not have it; undefined when it's not there. */
export function findPlaceIn(file: string, reference: string): Importer | undefined {
  const text = readText(file)
  const place = text === undefined ? undefined : findSourcePlace(file, text, reference)
  return place === undefined ? undefined : { file, ...place }
}

/** The line of a text in a file; undefined when it's not there. */
export function lineOf(file: string, text: string): number | undefined {
  const content = readText(file)
  const start = content?.indexOf(text) ?? -1
  return content === undefined || start === -1 ? undefined : countLines(content)(start)
}

/** A file's text; undefined for one that can't be read. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A virtual module, or a file that is gone. The place is a help in a message; without it the message still stands.
    return undefined
  }
}
