import type { AnswerKey } from '../cache/keys.ts'

/**
 * A person's word that a picture whose call was refused for good, or ended in doubt, may be bought again. It is for one call
 * a picture: a build asks for a picture more than once (for pages and server, in each rebuild of a watcher), and what came
 * of the call that the word was for must not be paid for again by the next asking.
 */
export interface Word {
  allows(key: AnswerKey): boolean
  /** The call that it allows is made. */
  use(key: AnswerKey): void
}

export function createWord(isGiven: boolean): Word {
  const used = new Set<AnswerKey>()
  return {
    allows: key => isGiven && !used.has(key),
    use: key => void used.add(key),
  }
}
