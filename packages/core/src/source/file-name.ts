import { extensionOf, type Format } from './format.ts'

const MAX_STEM = 80
const MAX_FILE_NAME = 120

/** Device names that Windows reserves in every folder, with or without an extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/**
 * Reduces a name from outside (a file name without its extension) to one that is a plain file name on every
 * system: `[A-Za-z0-9._-]`, 1–80 characters, no dot or dash at either end, no reserved device name. Accents are
 * dropped, everything else that is not allowed becomes a dash. Total, and the same for the same name everywhere;
 * two names may well come out alike.
 *
 * @example safeStem('Café (final)') // 'Cafe-final'
 */
export function safeStem(name: string): string {
  const plain = name
    .slice(0, 1024)
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
  const stem = trimEnds(trimEnds(plain).slice(0, MAX_STEM - 1))
  if (stem === '') return 'image'
  return RESERVED.test(stem) ? `_${stem}` : stem
}

/**
 * The file name of an output: stem, factor, extension. A stem that carries a density of its own keeps it, since
 * it says what the source was: `hero@2x` twice as large is `hero-2x-2x.png`.
 *
 * @param stem from {@link safeStem}
 * @param factor how many times wider than the source, printed with at most four decimals
 * @example outputName('hero', 1.5, 'jpeg') // 'hero-1.5x.jpg'
 */
export function outputName(stem: string, factor: number, format: Format): string {
  return `${stem}-${Math.round(factor * 1e4) / 1e4}x.${extensionOf(format)}`
}

/** True for a name that can be joined to a folder and stays in it, on every system. At most 120 characters. */
export function isSafeFileName(name: string): boolean {
  return name.length <= MAX_FILE_NAME && /^\w(?:[\w.-]*[\w-])?$/.test(name) && !RESERVED.test(name)
}

function trimEnds(text: string): string {
  return text.replace(/^[.-]+/, '').replace(/[.-]+$/, '')
}
