import { isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import { forEach } from '../files/each.ts'
import type { Found } from '../files/walk.ts'
import type { Session } from '../session.ts'

/** A picture whose answer is nowhere. */
export interface Missing {
  readonly found: Found
  /** The key of the answer. */
  readonly key: string
  readonly priceMicros: number
}

export interface Looked {
  readonly missing: readonly Missing[]
  /** Pictures whose file or answer is in a cache; the key where the answer is needed. */
  readonly here: readonly { readonly found: Found; readonly key?: string | undefined }[]
  /** Pictures that can't be handed over. */
  readonly stuck: readonly { readonly found: Found; readonly error: UpscaleError }[]
}

/** Finds out which pictures need an engine. */
export async function findMissing(
  pictures: AsyncGenerator<Found>,
  request: Partial<UpscaleRequest>,
  { upscaler, stopping }: Session,
): Promise<Looked> {
  const looked = {
    missing: [] as Missing[],
    here: [] as { found: Found; key: string | undefined }[],
    stuck: [] as { found: Found; error: UpscaleError }[],
  }
  await forEach(pictures, upscaler.options.concurrency + 2, stopping, async found => {
    try {
      const { state, answerKey, priceMicros } = await upscaler.plan(found.file, request)
      if (state === 'refused' || state === 'uncertain') looked.stuck.push({ found, error: stuckOn(state) })
      else if (state === 'missing' && answerKey !== undefined)
        looked.missing.push({ found, key: answerKey, priceMicros })
      else looked.here.push({ found, key: answerKey })
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      looked.stuck.push({ found, error })
    }
  })
  return looked
}

function stuckOn(state: 'refused' | 'uncertain'): UpscaleError {
  return state === 'refused'
    ? new UpscaleError('API_REJECTED', 'it was refused for good in an earlier run on this machine', {
        hint: 'upscale run says why; --retry asks again',
      })
    : new UpscaleError(
        'CALL_UNCERTAIN',
        'an earlier call of this machine ended in doubt; it may have been charged',
        {
          hint: 'look at the request log of the service; --retry calls again',
        },
      )
}
