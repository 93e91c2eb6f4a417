import type { FileEngine } from '../engine.ts'
import { createEditEngine } from '../openai/engine.ts'
import { connectLumenfall, type LumenfallOptions, resolveLumenfall } from './options.ts'
import { isFreeReplay, replayHeaders } from './replay.ts'

export type { LumenfallOptions } from './options.ts'
export type { ReplayMatch, ReplayMode, ReplayOptions } from './replay.ts'

/** Part of every cache key; changes when the same parameters would give another picture. */
const REVISION = '1'

/**
 * An engine that orders pictures from a model behind Lumenfall. It costs money; its answers are kept for good.
 *
 * With `replay` on a mode that never reaches a provider it is free, and what it answers is kept apart from bought
 * pictures, under keys of its own: neither a recording nor the refusal of a placeholder may stand in for a purchase.
 *
 * @example
 * createUpscaler({ root, engine: lumenfall({ detail: 60 }) })
 *
 * @throws UpscaleError BAD_OPTION listing every option that is unknown or out of range
 */
export function lumenfall(options: LumenfallOptions = {}): FileEngine {
  const resolved = resolveLumenfall(options)
  const { model, facts, params, delivery, mediaHosts, timeoutMs, priceMicros, pricedBy, replay } = resolved
  const isFree = isFreeReplay(replay)
  const isReplayed = replay !== undefined && replay.mode !== 'off' && replay.mode !== 'record'
  return createEditEngine({
    id: 'lumenfall',
    model,
    revision: isReplayed ? `${REVISION}-replay` : REVISION,
    billing: isFree ? 'free' : 'paid',
    priceMicros: isFree ? 0 : priceMicros,
    pricedBy,
    // The key is sent all the same, but no idempotency key is documented for images, and images have no jobs:
    // docs.lumenfall.ai, videos and webhooks.
    recovery: 'none',
    scales: facts.scales,
    owner: facts.slug,
    known: facts.params,
    params,
    delivery,
    headers: replayHeaders(replay),
    mediaHosts,
    timeoutMs,
    connect: env => connectLumenfall(resolved, env),
    ...(isReplayed
      ? {}
      : {
          quote: async ({ scale, params }, ...wire) =>
            (await import('./estimate.ts')).estimatePrice({ model, scale, params }, ...wire),
        }),
  })
}
