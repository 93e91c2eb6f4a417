import { createHttpClient } from '../http/client.ts'
import { repeatsFree, repeatsOrder, withRetry } from '../http/retry.ts'
import type { EngineCalls } from '../on-first-call.ts'
import { editImage } from './edit.ts'
import type { EditEngineSpec } from './spec.ts'

/** The calls of an engine behind an images API. */
export function openCalls(spec: EditEngineSpec): EngineCalls {
  const { model, delivery, headers, mediaHosts, timeoutMs } = spec
  const http = createHttpClient()
  return {
    async upscale({ png, name, scale, params, idempotencyKey, response, onResponse }, { env, signal }) {
      const send = http.via(env)
      return editImage({
        ...spec.connect(env),
        image: { bytes: png, name },
        idempotencyKey,
        headers,
        fields: { model, scale_factor: scale, ...delivery, ...params },
        mediaHosts,
        timeoutMs,
        signal,
        ...(response === undefined ? {} : { response }),
        ...(onResponse === undefined ? {} : { onResponse }),
        order: withRetry(send, repeatsOrder),
        download: withRetry(send, repeatsFree),
      })
    },
    quote: async (request, { env, signal }) =>
      spec.quote?.(request, spec.connect(env), withRetry(http.via(env), repeatsFree), signal),
    close: () => http.close(),
  }
}
