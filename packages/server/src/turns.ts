import { ApiError } from './api-error.ts'
import type { ServerParts } from './server-parts.ts'

/** How soon a client that found the server full should come back. */
const FULL_PAUSE_SECONDS = 5

/** Who may send and who may have work done: nobody can take all of it from the others, and a slow upload none of it. */
export interface Turns {
  upload<T>(caller: string, work: () => Promise<T>): Promise<T>
  edit<T>(caller: string, work: () => Promise<T>): Promise<T>
}

export function createTurns({
  limits: { maxEdits },
  callers,
}: Pick<ServerParts, 'limits' | 'callers'>): Turns {
  const share = callers > 1 ? Math.ceil(maxEdits / 2) : maxEdits
  const uploads = new Map<string, number>()
  const edits = new Map<string, number>()

  async function take<T>(
    taken: Map<string, number>,
    most: number,
    caller: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const own = taken.get(caller) ?? 0
    const all = [...taken.values()].reduce((sum, count) => sum + count, 0)
    if (own >= share || all >= most) throw full()
    taken.set(caller, own + 1)
    try {
      return await work()
    } finally {
      taken.set(caller, (taken.get(caller) ?? 1) - 1)
    }
  }

  return {
    upload: (caller, work) => take(uploads, share * callers, caller, work),
    edit: (caller, work) => take(edits, maxEdits, caller, work),
  }
}

function full(): ApiError {
  return new ApiError('RATE_LIMITED', 'This server has as many requests under way as it may have.', {
    retryAfterSeconds: FULL_PAUSE_SECONDS,
  })
}
