import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { TMP } from '../cache/publish.ts'

/** How the name of a note of unshared.ts ends, after the answer's key. */
export const UNSHARED = '.unshared'

const NAME = /^[0-9a-f]{64}\.unshared$/

/** Where the notes of a durable root are. */
export function unsharedFolder(root: string): string {
  return join(root, TMP)
}

/** The keys of what is paid for and not in the remote cache. Costs one look at a folder that most often is not there. */
export function listUnshared({ root }: Pick<Cache, 'root'>): readonly AnswerKey[] {
  try {
    return readdirSync(unsharedFolder(root))
      .filter(name => NAME.test(name))
      .map(name => name.slice(0, -UNSHARED.length) as AnswerKey)
  } catch {
    return []
  }
}
