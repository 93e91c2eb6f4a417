import type { EngineParams, FileEngine, FileRequest } from '../engine.ts'
import { createHttpClient, type Send } from '../http/client.ts'
import { repeatsFree, repeatsOrder, withRetry } from '../http/retry.ts'
import { type Scales, scaleFor } from '../lumenfall/models-and-prices.ts'
import { type ModelParams, withDirective } from '../model-params.ts'
import type { ParamValue } from '../params.ts'
import type { Env } from '../service-options.ts'
import { editImage } from './edit.ts'
import type { Service } from './errors.ts'

/** Everything that tells one engine behind an images API from another. */
export interface EditEngineSpec
  extends Pick<
    FileEngine,
    'id' | 'model' | 'revision' | 'billing' | 'priceMicros' | 'pricedBy' | 'recovery'
  > {
  readonly scales: Scales
  /** The model's name in messages about directives. */
  readonly owner: string
  /** Parameters that a directive may set. */
  readonly known: ModelParams
  /** Fields that decide about the picture, by their name on the wire; a directive's keys win over them. */
  readonly params: EngineParams
  /** Fields that decide only how it is delivered. */
  readonly delivery: Readonly<Record<string, ParamValue>>
  /** Further headers of each order, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly mediaHosts: readonly string[]
  readonly timeoutMs: number
  /** Asks for the price of an order, where the service names one. @throws UpscaleError as {@link FileEngine.quote} */
  quote?(
    request: Pick<FileRequest, 'scale' | 'params'>,
    connection: Connection,
    send: Send,
    signal: AbortSignal,
  ): Promise<number | undefined>
  /** Looks up address and key when a picture is ordered. @throws UpscaleError KEY_MISSING, BAD_OPTION */
  connect(env: Env): Connection
}

export interface Connection {
  readonly base: URL
  readonly apiKey: string | undefined
  readonly service: Service
}

/**
 * An engine that orders each picture with one call of an images API.
 *
 * The key is looked up when a picture is ordered. It lives in the spec's closure and in the header of the order: the
 * engine object is handed around, and what is on it is everyone's.
 */
export function createEditEngine(spec: EditEngineSpec): FileEngine {
  const { id, model, revision, billing, priceMicros, pricedBy, recovery } = spec
  const { scales, owner, known, delivery, headers, mediaHosts, timeoutMs } = spec
  const http = createHttpClient()
  return Object.freeze<FileEngine>({
    id,
    model,
    revision,
    billing,
    exchange: 'file',
    recovery,
    priceMicros,
    pricedBy,
    scaleFor: factor => scaleFor(scales, factor),
    checkParams: written => withDirective(spec.params, written, known, owner),
    checkAccess: ({ env }) => void spec.connect(env),
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
    quote:
      spec.quote === undefined
        ? undefined
        : async (request, { env, signal }) =>
            spec.quote?.(request, spec.connect(env), withRetry(http.via(env), repeatsFree), signal),
    close: () => http.close(),
  })
}
