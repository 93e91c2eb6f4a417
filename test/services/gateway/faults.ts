import { brotliCompressSync, gzipSync } from 'node:zlib'
import * as picture from './picture.ts'
import type { Answer, Sale } from './sale.ts'

/** Makes the answer to an order that is in good form. */
export type Responder = (sale: Sale) => Answer | Promise<Answer>

/** An error envelope. */
export function refuse(
  status: number,
  code: string,
  message: string,
  type = 'invalid_request_error',
): Answer {
  return json({ error: { message, type, code } }, status)
}

export function json(body: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Sells the picture after a treatment, in the form that was ordered. */
function sell(treatment: picture.Treatment): Responder {
  return async sale => json(await sale.sell(await treatment(sale.image, sale.scale)))
}

/** Sells an honest picture and spoils the JSON around it. */
function spoil(change: (body: SoldBody, sale: Sale) => unknown): Responder {
  return async sale => {
    const sold = await sale.sell(await picture.enlarge(sale.image, sale.scale))
    return json(change(sold as SoldBody, sale))
  }
}

type SoldBody = { data: [{ b64_json?: string; url?: string }]; metadata: Record<string, unknown> }

/** Spoils the base64 of an honest picture. */
function spoilBase64(change: (base64: string) => string): Responder {
  return spoil(body => ({ ...body, data: [{ b64_json: change(body.data[0].b64_json ?? '') }] }))
}

/** Sells an honest picture that somebody on the way packs, whatever was asked for. */
function packed(encoding: string, pack: (body: string) => Buffer): Responder {
  return async sale => {
    const answer = await honest(sale)
    const headers = { ...answer.headers, 'content-encoding': encoding }
    return { ...answer, headers, body: pack(String(answer.body)) }
  }
}

/** Sells an honest picture and lets the transport fail. */
function breakOff(how: Partial<Answer>): Responder {
  return async sale => ({ ...(await honest(sale)), ...how })
}

function placeholder({ request }: Sale, bytes: Buffer): Answer {
  const metadata = { model: request.fields.model, executed_model: 'mock', cost: 0, cost_currency: 'USD' }
  return json({ created: 1, data: [{ b64_json: bytes.toString('base64') }], metadata })
}

function page(status: number): Answer {
  const body =
    '<!DOCTYPE html><html><head><title>Bad</title><style>a{}</style></head><body>Bad gateway</body></html>'
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

/** The same picture, larger, in the format that was ordered. */
export const honest: Responder = async sale => {
  const large = await picture.enlarge(sale.image, sale.scale)
  return json(await sale.sell(await picture.convert(large, sale.request.fields.output_format)))
}

/**
 * Everything this gateway can do wrong, by name. Work that was done is charged through `sale.sell` or `sale.charge`,
 * whether or not the answer arrives.
 */
export const RESPONSES = {
  ok: honest,

  // the picture
  'same-size': sell(source => picture.enlarge(source, 1)),
  'wrong-size': sell((source, scale) => picture.enlarge(source, scale * 1.5)),
  'double-size': sell((source, scale) => picture.enlarge(source, scale * 2)),
  'one-pixel-off': sell(picture.offBy(1, 0)),
  'wrong-aspect': sell(picture.crop),
  'jpeg-for-png': sell(picture.asJpeg),
  mirrored: sell(picture.mirror),
  rotated: sell(picture.turn),
  'upside-down': sell(picture.halfTurn),
  recoloured: sell(picture.recolour),
  black: sell(picture.blacken),
  'truncated-picture': sell(picture.cutShort),
  bomb: sell(picture.bomb),
  'not-a-picture': sell(async () => Buffer.from('this is no picture at all')),

  // other forms of an honest answer
  'data-prefix': spoilBase64(base64 => `data:image/png;base64,${base64}`),
  'line-breaks': spoilBase64(base64 => base64.replace(/.{76}/g, '$&\r\n')),
  'no-padding': spoilBase64(base64 => base64.replace(/=+$/, '')),
  base64url: spoilBase64(base64 => Buffer.from(base64, 'base64').toString('base64url')),
  'data-url': spoil(({ data, metadata }) => ({
    data: [{ url: `data:image/png;base64,${data[0].b64_json}` }],
    metadata,
  })),
  'picture-itself': async sale => ({
    status: 200,
    headers: { 'content-type': 'image/png' },
    body: await picture.enlarge(sale.image, sale.scale).then(async large => {
      await sale.sell(large)
      return large
    }),
  }),
  zipped: packed('gzip', gzipSync),
  brotli: packed('br', brotliCompressSync),
  created: async sale => ({ ...(await honest(sale)), status: 201 }),

  // the JSON around it
  'truncated-base64': spoilBase64(base64 => base64.slice(0, Math.floor(base64.length / 8) * 4 + 3)),
  'cut-base64-group': spoilBase64(base64 => base64.slice(0, Math.floor(base64.length / 8) * 4)),
  'garbage-base64': spoilBase64(base64 => `${base64.slice(0, 40)}!*$ ${base64.slice(44)}`),
  'empty-base64': spoilBase64(() => ''),
  'two-pictures': spoil(body => ({ ...body, data: [body.data[0], { b64_json: 'AAAA' }] })),
  'no-data': spoil(({ metadata }) => ({ created: 1, metadata })),
  'empty-data': spoil(({ metadata }) => ({ data: [], metadata })),
  'data-of-wrong-type': spoil(({ metadata }) => ({ data: { b64_json: 'AAAA' }, metadata })),
  'no-metadata': spoil(({ data }) => ({ created: 1, data })),
  'error-in-200': ({ charge }) => {
    charge()
    return json({ error: { message: 'The picture was withheld', code: 'CONTENT_POLICY_VIOLATION' } })
  },
  'unknown-error-in-200': () => json({ error: { message: 'Something odd happened' } }),
  html: () => page(200),
  empty: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '' }),
  'no-content': () => ({ status: 204 }),
  'other-content-type': async sale => ({
    ...(await honest(sale)),
    headers: { 'content-type': 'text/plain' },
  }),
  'bare-picture': ({ image }) => ({ status: 200, headers: { 'content-type': 'image/png' }, body: image }),
  'cut-json': async sale => {
    const answer = await honest(sale)
    return { ...answer, body: String(answer.body).slice(0, 300) }
  },
  'deep-json': () => ({ status: 200, body: '['.repeat(500_000) + ']'.repeat(500_000) }),
  'null-json': () => json(null),
  'twice-the-key': () => ({ status: 200, body: '{"data":[{"b64_json":"AAAA"}],"data":[]}' }),
  'poisoned-prototype': () => ({ status: 200, body: '{"__proto__":{"data":[{"b64_json":"AAAA"}]}}' }),

  // refusals
  'invalid-request': () => refuse(400, 'INVALID_REQUEST', 'Invalid image file provided'),
  moderated: () => refuse(400, 'CONTENT_POLICY_VIOLATION', 'The image was flagged'),
  unauthorized: () => refuse(401, 'AUTHENTICATION_FAILED', 'Invalid API key', 'authentication_error'),
  'no-balance': () => refuse(402, 'INSUFFICIENT_BALANCE', 'Required $0.06, available $0.01', 'billing_error'),
  'no-quota': () => refuse(402, 'INSUFFICIENT_BALANCE', 'Balance too low', 'insufficient_quota'),
  forbidden: () => refuse(403, 'FORBIDDEN', 'This key may not do that'),
  'model-not-found': () => refuse(404, 'MODEL_NOT_FOUND', "Model 'x' not found. Did you mean 'y'?"),
  'model-disabled': () => refuse(404, 'MODEL_DISABLED', 'The model is switched off'),
  'plain-404': () => page(404),
  'too-large': () => page(413),
  'rate-limited': () => refuse(429, 'RATE_LIMITED', 'Too many requests'),
  'rate-limited-wait': () => ({ ...refuse(429, 'RATE_LIMITED', 'Wait'), headers: { 'retry-after': '1' } }),
  'server-error': () => refuse(500, 'INTERNAL_ERROR', 'Please try again'),
  'providers-exhausted': () => refuse(502, 'ALL_PROVIDERS_EXHAUSTED', 'fal answered: HTTP 524'),
  'bad-gateway-page': () => page(502),
  unavailable: () => page(503),
  'unavailable-wait': () => ({ ...refuse(503, 'BUSY', 'Come back'), headers: { 'retry-after': '1' } }),
  /** A cache in front gave up on a service that goes on working. */
  'unavailable-page-wait': ({ charge }) => {
    charge()
    return { ...page(503), headers: { 'retry-after': '1' } }
  },
  'too-slow': ({ charge }) => {
    charge()
    return refuse(408, 'INVALID_REQUEST', 'The model took too long')
  },
  /** Of an order whose key was seen before. */
  'still-working': ({ charge }) => {
    charge()
    return refuse(409, 'INVALID_REQUEST', 'A request with this key is in progress')
  },
  'cloud-timeout': () => page(524),
  redirect: ({ origin }) => ({ status: 307, headers: { location: `${origin}/elsewhere` } }),
  'rude-message': ({ request }) => {
    const echo = `${request.headers.authorization}\u001b[31m\u001b]0;title\u0007\r\n\u202e`.repeat(50)
    return refuse(400, 'INVALID_REQUEST', echo)
  },

  // the transport
  'reset-before-answer': ({ charge }) => {
    charge()
    return { status: 200, cutAfterBytes: 0 }
  },
  'reset-in-body': breakOff({ cutAfterBytes: 200 }),
  'reset-in-chunks': breakOff({ cutAfterBytes: 200, framing: 'chunked' }),
  'close-in-body': breakOff({ cutAfterBytes: 200, framing: 'close' }),
  hang: ({ charge }) => {
    charge()
    return { status: 200, hang: true }
  },
  drip: breakOff({ dripMs: 20 }),

  // Record & Replay without a recording: nobody works, nothing is charged
  placeholder: async sale => placeholder(sale, await picture.placeholder(1024, 1024)),
  'placeholder-of-right-size': async sale => placeholder(sale, await picture.blacken(sale.image, sale.scale)),

  // the address of a result; these answer with `url` whatever was ordered
  'media-gone': spoil(({ metadata }, { origin }) => ({
    data: [{ url: `${origin}/media/gone.png` }],
    metadata,
  })),
} satisfies Record<string, Responder>

export type ResponseName = keyof typeof RESPONSES

/** Sells a picture and says that it lies at `address`. */
export function soldAt(address: string): Responder {
  return spoil(({ metadata }) => ({ data: [{ url: address }], metadata }))
}

/** Gives the answers one after the other; the last one stays. */
export function inTurn(...answers: readonly (ResponseName | Responder)[]): Responder {
  let turn = 0
  return sale => {
    const answer = answers[Math.min(turn++, answers.length - 1)] ?? 'ok'
    return typeof answer === 'string' ? RESPONSES[answer](sale) : answer(sale)
  }
}
