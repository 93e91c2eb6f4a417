import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { UpscaledImage } from 'upscale-core'
import { type OrderSize, priceOf, safeText } from 'upscale-core/internal'
import type { Edit } from './edit.ts'
import type { Receipt } from './metering.ts'

/** What an answer says about a finished picture, besides the picture. */
export interface AnswerFacts {
  readonly requestId: string
  readonly edit: Edit
  readonly image: UpscaledImage
  /** Undefined where no service was called on behalf of this request. */
  readonly receipt: Receipt | undefined
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** How providers call themselves, by the id of their engine. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  local: 'Embedded engine',
  resize: 'Plain resampling',
  lumenfall: 'Lumenfall',
  fal: 'fal.ai',
}

/** The documented answer with addresses; one that repeats the picture repeats its address. */
export function urlAnswer(facts: AnswerFacts, url: string): object {
  return {
    ...head(facts),
    data: Array.from({ length: facts.edit.n }, () => ({ url })),
    metadata: metadata(facts),
  }
}

/**
 * The documented answer with the picture in it, as JSON text in pieces: ten copies of a large picture would be
 * gigabytes in memory.
 */
export function base64Answer(facts: AnswerFacts): Readable {
  return Readable.from(pieces(facts))
}

/** The answer to `stream`: the one event with which OpenAI's streams end, since nothing is to be seen before. */
export function eventAnswer(facts: AnswerFacts): Readable {
  return Readable.from(event(facts))
}

async function* event(facts: AnswerFacts): AsyncGenerator<string> {
  const { nowMs, image } = facts
  const type = 'image_edit.completed'
  const told = {
    type,
    created_at: Math.floor(nowMs / 1000),
    size: `${image.width}x${image.height}`,
    output_format: image.format,
    metadata: metadata(facts),
  }
  yield `event: ${type}\ndata: ${JSON.stringify(told).slice(0, -1)},"b64_json":"`
  yield* base64Of(image.file)
  yield '"}\n\n'
}

async function* pieces(facts: AnswerFacts): AsyncGenerator<string> {
  yield `${JSON.stringify(head(facts)).slice(0, -1)},"data":[`
  for (let copy = 0; copy < facts.edit.n; copy++) {
    yield copy === 0 ? '{"b64_json":"' : ',{"b64_json":"'
    yield* base64Of(facts.image.file)
    yield '"}'
  }
  yield `],"metadata":${JSON.stringify(metadata(facts))}}`
}

/** Every piece but the last stands for a multiple of three bytes, so that together they are one base64 text. */
async function* base64Of(file: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file)) {
    const bytes = Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % 3)
    yield bytes.toString('base64', 0, whole)
    rest = bytes.subarray(whole)
  }
  yield rest.toString('base64')
}

function head({ requestId, image, nowMs }: AnswerFacts): object {
  return {
    id: requestId,
    created: Math.floor(nowMs / 1000),
    size: `${image.width}x${image.height}`,
    output_format: image.format,
  }
}

function metadata({ edit, image, receipt }: AnswerFacts): object {
  const { engine, id } = edit.model
  const executed = receipt?.executedModel
  return {
    model: id,
    executed_model:
      executed === undefined ? `${engine.id}/${engine.model}` : safeText(executed, { maxCharacters: 200 }),
    provider: engine.id,
    provider_name: providerName(engine.id),
    // What this request cost: 0 when the picture was there, or when another request is paying for it.
    cost: (receipt?.costMicros ?? 0) / 1e6,
    cost_currency: 'USD',
    cached: image.origin === 'cache' || image.origin === 'remote',
    ...(edit.ignored.length === 0 ? {} : { ignored_parameters: edit.ignored }),
  }
}

/**
 * The documented answer to a dry run. Money is in millionths, as there; a picture that is repeated is paid for once.
 * @param size - of the picture that was sent, in pixels
 */
export function estimate({ model, n, request }: Edit, size: Pick<OrderSize, 'width' | 'height'>): object {
  const { engine } = model
  const { id } = engine
  const scale = engine.scaleFor(request.factor) ?? request.factor
  const priceMicros = priceOf(engine, { ...size, scale })
  return {
    estimated: true,
    model: model.id,
    provider: id,
    total_cost_micros: priceMicros,
    currency: 'USD',
    components: [
      {
        type: 'output',
        metric: 'image',
        quantity: n,
        billable_quantity: 1,
        unit_price: priceMicros / 1e6,
        total_cost: priceMicros,
      },
    ],
  }
}

function providerName(id: string): string {
  return Object.hasOwn(PROVIDER_NAMES, id) ? (PROVIDER_NAMES[id] ?? id) : id
}
