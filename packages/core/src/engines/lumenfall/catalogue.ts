import { createHttpClient } from '../http/client.ts'
import { repeatsFree, repeatsOrder, withRetry } from '../http/retry.ts'
import { optionProblems } from '../params.ts'
import { type Env, hideKey, keyProblems, refuseProblems, SERVICE_RULES } from '../service-options.ts'
import type { CatalogueClient } from './ask.ts'
import { type Balance, getBalance } from './balance.ts'
import { type EstimateRequest, estimatePrice } from './estimate.ts'
import { type CatalogueModel, getModel, listModels } from './models.ts'
import { connectLumenfall, type LumenfallOptions, resolveAccess } from './options.ts'
import { getModelSchema, type ModelSchema, unknownFields } from './schema.ts'

export type { Balance } from './balance.ts'
export type { EstimateRequest } from './estimate.ts'
export type { CatalogueModel } from './models.ts'
export type { ModelSchema } from './schema.ts'

export interface LumenfallCatalogueOptions extends Pick<LumenfallOptions, 'apiKey' | 'baseURL'> {
  /** How long a question may take, repeats included. 1 to 3600000 milliseconds. @default 30000 */
  readonly timeoutMs?: number
}

/** What Lumenfall tells besides pictures. All of it is information: no build depends on it. */
export interface LumenfallCatalogue {
  /** Millionths of a US dollar for an order, by the service's dry run. @throws UpscaleError API_* */
  estimatePrice(request: EstimateRequest): Promise<number>
  /** @throws UpscaleError API_* */
  listModels(): Promise<readonly CatalogueModel[]>
  /** @throws UpscaleError API_NOT_FOUND, API_*, BAD_OPTION for what can't be a name */
  getModel(id: string): Promise<CatalogueModel>
  /** @throws UpscaleError API_NOT_FOUND, API_*, BAD_OPTION for what can't be a name */
  getModelSchema(id: string): Promise<ModelSchema>
  /** The names of `sent` that the model's schema doesn't have, to warn of. @throws UpscaleError like getModelSchema */
  unknownFields(id: string, sent: readonly string[]): Promise<readonly string[]>
  /** @throws UpscaleError API_* */
  getBalance(): Promise<Balance>
  /** Ends questions under way and closes all connections. */
  close(): Promise<void>
}

const DEFAULT_QUESTION_MS = 30_000

const RULES = {
  apiKey: SERVICE_RULES.apiKey,
  baseURL: SERVICE_RULES.baseURL,
  timeoutMs: SERVICE_RULES.timeoutMs,
}

/**
 * A client for Lumenfall's catalogue, prices and balance. The key is looked up with each question.
 *
 * @param env - environment variables: LUMENFALL_API_KEY, LUMENFALL_BASE_URL
 * @throws UpscaleError BAD_OPTION; its methods KEY_MISSING too
 * @example
 * const catalogue = lumenfallCatalogue({}, process.env)
 * const micros = await catalogue.estimatePrice({ model: 'ideogram-upscale', scale: 2 })
 */
export function lumenfallCatalogue(options: LumenfallCatalogueOptions, env: Env): LumenfallCatalogue {
  const problems = [...optionProblems(hideKey(options), RULES), ...keyProblems(options.apiKey)]
  refuseProblems('lumenfallCatalogue()', problems, Object.keys(RULES))
  const access = resolveAccess(options)
  const http = createHttpClient()
  const stop = new AbortController()
  const client = (): CatalogueClient => ({
    ...connectLumenfall(access, env),
    timeoutMs: options.timeoutMs ?? DEFAULT_QUESTION_MS,
    signal: stop.signal,
    send: withRetry(http.via(env), repeatsFree),
    sendOrder: withRetry(http.via(env), repeatsOrder),
  })
  return {
    estimatePrice: async request => estimatePrice(request, client()),
    listModels: async () => listModels(client()),
    getModel: async id => getModel(id, client()),
    getModelSchema: async id => getModelSchema(id, client()),
    unknownFields: async (id, sent) => unknownFields(sent, await getModelSchema(id, client())),
    getBalance: async () => getBalance(client()),
    async close() {
      stop.abort()
      await http.close()
    },
  }
}
