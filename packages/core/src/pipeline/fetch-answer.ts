import type { AnswerKey } from '../cache/keys.ts'
import { isUpscaleError } from '../errors.ts'
import { decodeAnswer } from '../image/codec.ts'
import { verifyAnswer } from '../image/verify-answer.ts'
import type { Fetched } from '../remote/remote-cache.ts'
import type { ResolvedRequest } from '../request/request.ts'
import type { PipelineContext } from './context.ts'
import type { Waiting } from './prepare.ts'

/** How many times `maxPixels` an answer may have: some services only know larger factors than the one wanted. */
export const LARGER_ANSWER = 4

/** Twice what a PNG of 8-bit samples with alpha needs that can't be compressed at all: services may send 16 bits. */
const MOST_BYTES_A_PIXEL = 8

/** Room for the frame and the metadata of a small picture, in bytes. */
const FRAME_BYTES = 1024 * 1024

/**
 * An answer out of the remote cache, looked at like that of a service: it decodes, and it shows the source. Where the
 * project has a list of paid answers, it is the listed one; a frozen build, which can't add to the list for others to
 * see, takes nothing else.
 *
 * To be called outside of `pictures`, since it waits for a network. Never throws for what the store did or sent.
 */
export async function fetchAnswer(
  { answerKey, facts, asked }: Waiting,
  request: ResolvedRequest,
  context: PipelineContext,
): Promise<Fetched | undefined> {
  const { options, pictures, remote } = context
  if (remote === undefined || request.engine.quick === true) return undefined
  const pixels = Math.round(facts.width * request.scale) * Math.round(facts.height * request.scale)
  const fetched = await remote.find(answerKey, pixels * MOST_BYTES_A_PIXEL + FRAME_BYTES)
  if (fetched === undefined) return undefined
  const objection = unvouched(request, answerKey, fetched, context)
  if (objection !== undefined) {
    remote.refuse(answerKey, objection)
    return undefined
  }
  try {
    const limits = { maxPixels: options.maxPixels * LARGER_ANSWER }
    await pictures(async () => verifyAnswer(asked, await decodeAnswer(fetched.bytes, limits)))
    return fetched
  } catch (error) {
    if (!isUpscaleError(error) || !error.code.startsWith('ANSWER_')) throw error
    remote.refuse(answerKey, error.problem)
    return undefined
  }
}

/** What the list of paid answers has against an answer. */
function unvouched(
  { engine }: ResolvedRequest,
  answerKey: AnswerKey,
  { facts }: Fetched,
  { options, stores }: PipelineContext,
): string | undefined {
  if (facts.engine !== engine.id || facts.model !== engine.model) return 'it was made by another engine'
  if (engine.billing === 'free') return undefined
  const store = stores.forEngine(engine)
  const listed = store.listed(answerKey)
  if (listed !== undefined)
    return listed.sha256 === facts.sha256 ? undefined : 'manifest.json lists another answer to this request'
  return options.frozen && stores.hadList()
    ? 'manifest.json does not list it, and this build is frozen: build once where it is not, and commit the list'
    : undefined
}
