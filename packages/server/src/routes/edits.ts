import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import pLimit from 'p-limit'
import { type UpscaledImage, UpscaleError } from 'upscale-core'
import { discard, dollars, safeText } from 'upscale-core/internal'
import { type AnswerFacts, base64Answer, estimate, eventAnswer, urlAnswer } from '../answer.ts'
import { type Edit, planEdit } from '../edit.ts'
import { receiveForm } from '../form.ts'
import type { Form } from '../form-parts.ts'
import type { Receipt } from '../metering.ts'
import { readQueryFlag } from '../query.ts'
import type { ServerParts } from '../server-parts.ts'
import { createTurns } from '../turns.ts'
import { MEDIA_PATH } from './media.ts'

/** Uploads read into memory at a time; the others wait on disk. With bodies of 50 MiB they take 800 MiB at most. */
const READ_AT_A_TIME = 16

/**
 * `POST /images/edits`: upscales a picture, or tells with `?dryRun=true` what that would cost at most.
 *
 * The upload lies in a folder of its own until the answer is made. A client that hangs up stops waiting; the engine's
 * call goes on, since it may be paid for and others may wait for it, and ends up in the cache.
 */
export function editRoutes(api: FastifyInstance, parts: ServerParts): void {
  const { limits, catalogue, upscaler, uploads, authenticate } = parts
  const reads = pLimit(READ_AT_A_TIME)
  const turns = createTurns(parts)

  api.post('/images/edits', async (request, reply) => {
    const dryRun = readQueryFlag(request.query, 'dryRun')
    const caller = authenticate(request.headers)
    const folder = join(uploads, randomUUID())
    try {
      const { maxBodyBytes: maxBytes, uploadIdleMs: idleMs } = limits
      const form = await turns.upload(caller, () => receiveForm(request, { folder, maxBytes, idleMs }))
      const edit = planEdit(form.fields, catalogue, upscaler.options.factor)
      if (dryRun) return estimate(edit, await sizeOf(form, edit, parts))
      const made = await turns.edit(caller, () => reads(() => upscale(form, edit, reply, parts)))
      note(request, edit, made, parts)
      return answer(request, reply, { edit, ...made }, parts)
    } finally {
      await discard(folder)
    }
  })
}

/** The size of the picture that was sent, looked at only where the price depends on it. */
async function sizeOf(
  { file }: Form,
  { model, request }: Edit,
  { upscaler }: ServerParts,
): Promise<{ readonly width: number; readonly height: number }> {
  if (model.engine.pricedBy !== 'megapixel') return { width: 0, height: 0 }
  return (await upscaler.examine(file, request)).original
}

interface Made {
  readonly image: UpscaledImage
  readonly receipt: Receipt | undefined
}

async function upscale(form: Form, edit: Edit, reply: FastifyReply, parts: ServerParts): Promise<Made> {
  const { upscaler, meter, host } = parts
  // It waited for its turn; nobody pays for a client that is gone.
  if (reply.raw.destroyed) throw hungUp()
  const hangUp = new AbortController()
  const onClose = (): void => hangUp.abort(hungUp())
  reply.raw.once('close', onClose)
  const work = meter.measure(() => upscaler.upscale(form.file, edit.request, { signal: hangUp.signal }))
  try {
    const image = await work.result
    return { image, receipt: work.receipt() }
  } catch (error) {
    const cost = work.receipt()?.costMicros ?? 0
    if (cost > 0) host.logger.warn(`${reply.request.id} failed after ${dollars(cost)} were charged`)
    throw error
  } finally {
    reply.raw.off('close', onClose)
  }
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  made: Made & { readonly edit: Edit },
  { media, origin, host }: ServerParts,
): unknown {
  const { edit, image } = made
  const facts: AnswerFacts = { ...made, requestId: request.id, nowMs: host.now() }
  reply.headers({ 'x-lumenfall-provider': edit.model.engine.id, 'x-lumenfall-model': edit.model.id })
  if (edit.delivery === 'url' && !edit.isStreamed)
    return urlAnswer(facts, `${origin(request)}${MEDIA_PATH}/${media.add(image)}`)
  if (edit.isStreamed) return reply.type('text/event-stream; charset=utf-8').send(eventAnswer(facts))
  return reply.type('application/json; charset=utf-8').send(base64Answer(facts))
}

function note(
  { id }: FastifyRequest,
  { model, user }: Edit,
  { image, receipt }: Made,
  { host }: ServerParts,
): void {
  const { source, width, height, origin } = image
  const facts = [
    `model=${model.id}`,
    `${source.width}x${source.height}->${width}x${height}`,
    `origin=${origin}`,
    `cost=${dollars(receipt?.costMicros ?? 0)}`,
    ...(receipt?.serviceRequestId === undefined
      ? []
      : [`service-request=${safeText(receipt.serviceRequestId)}`]),
    ...(user === undefined ? [] : [`user=${JSON.stringify(safeText(user))}`]),
  ]
  host.logger.info(`${id} ${facts.join(' ')}`)
}

function hungUp(): UpscaleError {
  return new UpscaleError('ABORTED', 'the client hung up', {
    hint: 'ask again; what was made meanwhile is kept',
  })
}
