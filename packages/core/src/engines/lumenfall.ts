import { UpscaleError } from '../errors.ts'
import type { FileEngine } from './engine.ts'
import { createHttpClient } from './http.ts'
import {
  KEY_VARIABLE,
  type LumenfallOptions,
  resolveBase,
  resolveKey,
  resolveLumenfall,
} from './lumenfall-options.ts'
import { scaleFor } from './models.ts'
import { editImage } from './openai-compatible.ts'
import { readParams } from './params.ts'
import { repeatsDownload, repeatsOrder, withRetry } from './retry.ts'

export type { LumenfallOptions } from './lumenfall-options.ts'

/** Part of every cache key; changes when the same parameters would give another picture. */
const REVISION = '1'

/**
 * An engine that orders pictures from a model behind Lumenfall. It costs money; its answers are kept for good.
 *
 * The key is looked up when a picture is ordered. It lives in this closure and in the header of the order: the engine
 * object is handed around, and what is on it is everyone's.
 *
 * @example
 * createUpscaler({ root, engine: lumenfall({ detail: 60 }) })
 *
 * @throws UpscaleError BAD_OPTION listing every option that is unknown or out of range
 */
export function lumenfall(options: LumenfallOptions = {}): FileEngine {
  const resolved = resolveLumenfall(options)
  const { model, facts, timeoutMs, mediaHosts, priceMicros } = resolved
  const http = createHttpClient()
  return Object.freeze<FileEngine>({
    id: 'lumenfall',
    model,
    revision: REVISION,
    billing: 'paid',
    exchange: 'file',
    // No idempotency key is documented for images, and images have no jobs: docs.lumenfall.ai, videos and webhooks.
    recovery: 'none',
    priceMicros,
    scaleFor: factor => scaleFor(facts, factor),
    checkParams(written) {
      const params = { ...resolved.params, ...readParams(written, facts.params, facts.slug) }
      if (params.expand_prompt !== true || params.prompt !== undefined) return params
      throw new UpscaleError('BAD_DIRECTIVE', 'expand_prompt without a prompt', {
        hint: 'add a prompt, or remove expand_prompt',
      })
    },
    async upscale({ png, name, scale, params }, { env, signal }) {
      const apiKey = resolveKey(resolved.apiKey, env)
      return editImage({
        base: resolveBase(resolved.base, env),
        apiKey,
        service: { name: 'Lumenfall', keyVariable: KEY_VARIABLE, secrets: [apiKey] },
        image: { bytes: png, name },
        fields: { model, scale_factor: scale, ...resolved.delivery, ...params },
        mediaHosts,
        timeoutMs,
        signal,
        order: withRetry(http.send, repeatsOrder),
        download: withRetry(http.send, repeatsDownload),
      })
    },
    close: () => http.close(),
  })
}
