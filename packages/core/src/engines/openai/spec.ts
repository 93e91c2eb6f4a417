import type { EngineParams, FileEngine, FileRequest } from '../engine.ts'
import type { Send } from '../http/client.ts'
import type { Scales } from '../lumenfall/models-and-prices.ts'
import type { ModelParams } from '../model-params.ts'
import type { ParamValue } from '../params.ts'
import type { Env } from '../service-options.ts'
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
