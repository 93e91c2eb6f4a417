import type { Received } from '../billing/order.ts'
import type { Purchaser } from '../billing/purchase.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { decodeAnswer } from '../image/codec.ts'
import type { PixelImage } from '../image/pixel-image.ts'
import { verifyAnswer } from '../image/verify-answer.ts'
import type { PipelineContext } from './context.ts'
import { LARGER_ANSWER } from './fetch-answer.ts'
import type { Waiting } from './prepare.ts'

/**
 * The colours of a service's answer, compared with the source whoever had compared it before: the cache may have been
 * changed by anybody who can commit. A new one that doesn't show the source is put aside and thrown.
 */
export async function verified(
  received: Received,
  { answerKey, asked }: Pick<Waiting, 'answerKey' | 'asked'>,
  purchase: Purchaser,
  { options, remote }: Pick<PipelineContext, 'options' | 'remote'>,
): Promise<PixelImage> {
  try {
    const { colour } = await decodeAnswer(received.bytes, { maxPixels: options.maxPixels * LARGER_ANSWER })
    if (received.origin !== 'remote') await verifyAnswer(asked, { colour })
    return colour
  } catch (error) {
    await remote?.abandon(answerKey)
    if (received.verified !== undefined) throw isUpscaleError(error) ? exchanged(error) : error
    return purchase.reject(received, error)
  }
}

/** A kept answer was accepted when it came, so it is not what came. */
function exchanged({ problem }: UpscaleError): UpscaleError {
  return new UpscaleError(
    'CACHE_UNREADABLE',
    `the answer that is kept for this picture is not what was bought for it: ${problem}`,
    { hint: 'restore the cache folder from version control; nothing was bought' },
  )
}
