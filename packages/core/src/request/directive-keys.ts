/** What a key decides: the picture itself, the file that ships, or how the engine works. */
export type KeyGroup = 'request' | 'output' | 'engine'

interface KeyFacts {
  readonly group: KeyGroup
  /** What may stand behind `=`, for the reference. */
  readonly values: string
  readonly meaning: string
}

/**
 * The keys of a tagged reference, in the order in which the documentation lists them. The parser takes the names
 * from here, and the documentation the rest, so that neither can know a key that the other one doesn't.
 */
export const DIRECTIVE_KEYS = {
  upscale: {
    group: 'request',
    values:
      'a number above 1, 8 at most; nothing; the name of a preset; several numbers with `as=srcset`: `2;3`',
    meaning:
      'how much larger, per side. Without a value it is the option `factor`, with a name the preset of that name',
  },
  engine: {
    group: 'request',
    values: 'a configured name',
    meaning: 'who does it: `local`, `resize`, or one of the option `engines`',
  },
  format: {
    group: 'output',
    values: '`png`, `jpeg` (or `jpg`), `webp`, `avif`, `gif`',
    meaning: "file format of the result; the option `format`, else the source's own, unless given",
  },
  quality: {
    group: 'output',
    values: 'a whole number from 1 to 100',
    meaning: 'encoder quality, for `jpeg`, `webp` and `avif` only',
  },
  as: {
    group: 'output',
    values: '`url`, `srcset`, `metadata`',
    meaning:
      'what an import gives: an address, unless you say otherwise; the text of a `srcset`; or an object',
  },
  model: {
    group: 'engine',
    values: '`auto`, `design`, `photo`, `compressed`, `fast`, `quality`',
    meaning: 'local: which network, instead of the one that the picture asks for',
  },
  detail: { group: 'engine', values: '1 to 100', meaning: 'Ideogram: how much detail to add' },
  resemblance: {
    group: 'engine',
    values: '1 to 100',
    meaning: 'Ideogram: how close to stay to the original',
  },
  prompt: { group: 'engine', values: '1 to 1000 characters', meaning: 'Ideogram: describes the picture' },
  expand_prompt: {
    group: 'engine',
    values: '`true`, `false`',
    meaning: 'Ideogram: lets the model rewrite the prompt; needs one',
  },
  seed: { group: 'engine', values: '0 to 2147483647', meaning: 'Ideogram: asks for the same result again' },
} as const satisfies Readonly<Record<string, KeyFacts>>

export type OwnKey = keyof typeof DIRECTIVE_KEYS

/** Names of all keys of a group, or of every one. */
export function keysOf(group?: KeyGroup): readonly OwnKey[] {
  return (Object.keys(DIRECTIVE_KEYS) as OwnKey[]).filter(
    name => group === undefined || DIRECTIVE_KEYS[name].group === group,
  )
}
