import { isUpscaleError, UpscaleError, type UpscaleRequest, type Upscaler } from 'upscale-core'
import { answerAddress, type RemoteStore, sleep } from 'upscale-core/internal'

/** Where answers come from. */
export interface Collecting {
  /** One that may buy nothing. */
  readonly upscaler: Upscaler
  readonly store: RemoteStore
  readonly stopping: AbortSignal
}

/** Between two looks at a store that is away. */
const LOOK_EVERY_MS = 1000

/** How often an answer is fetched that the store says it has. */
const FETCHES = 10

/**
 * Fetches an answer that a worker made, however long the store is away.
 *
 * @returns why it can't be had; undefined when it is in the cache of this machine
 */
export async function collectAnswer(
  file: string,
  { key, ...request }: Partial<UpscaleRequest> & { readonly key: string },
  { upscaler, store, stopping }: Collecting,
): Promise<UpscaleError | undefined> {
  let fetches = 0
  for (;;) {
    try {
      if (!(await store.has(answerAddress(key)))) return forgotten(upscaler)
      fetches++
      await upscaler.answer(file, request, { isPatient: true })
      return undefined
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      // It went away in between, and what it has not may not be bought here.
      const mayPass = error.code.startsWith('API_') || error.code === 'BUDGET_EXCEEDED'
      if (!mayPass || fetches === FETCHES || stopping.aborted) return error
    }
    await sleep(LOOK_EVERY_MS, stopping)
  }
}

function forgotten({ options }: Upscaler): UpscaleError {
  return new UpscaleError(
    'CACHE_UNREADABLE',
    `its answer was made, and the remote cache (${options.remoteCache?.name}) no longer has it`,
    {
      hint: 'give the store more room or a longer life; then hand the picture over again: the worker that made it has the answer still',
    },
  )
}
