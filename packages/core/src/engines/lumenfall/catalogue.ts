import { safeText } from '../../safe-text.ts'
import { below } from '../http/address.ts'
import { createHttpClient, type HttpRequest, type Send } from '../http/client.ts'
import { startDeadline } from '../http/deadline.ts'
import { field, parseJson, textField } from '../http/json.ts'
import { repeatsFree, withRetry } from '../http/retry.ts'
import { CATALOGUE_QUESTION_MS } from '../http/time-limits.ts'
import { apiError, badAnswer } from '../openai/errors.ts'
import { safeId, withReceipt } from '../openai/receipt.ts'
import type { Connection } from '../openai/spec.ts'
import type { Env } from '../service-options.ts'
import { connectLumenfall, resolveAccess } from './options.ts'

/** A model as the catalogue shows it; texts are fit for printing. */
export interface CatalogueModel {
  readonly id: string
  readonly name?: string | undefined
  readonly ownedBy?: string | undefined
  readonly description?: string | undefined
}

/** The catalogue has some hundred models; this is room for many more. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Every model of the catalogue, by `GET /models` (docs.lumenfall.ai/api-reference/models/list). Entries without an id
 * are left out.
 *
 * @param env - environment variables: LUMENFALL_API_KEY, LUMENFALL_BASE_URL
 * @throws UpscaleError KEY_MISSING, BAD_OPTION for an address that is none, or an API_ code
 */
export async function listModels(env: Env): Promise<readonly CatalogueModel[]> {
  const connection = connectLumenfall(resolveAccess({}), env)
  const http = createHttpClient()
  try {
    const limits = { timeoutMs: CATALOGUE_QUESTION_MS, signal: new AbortController().signal }
    const question = { method: 'GET', isOrder: false, url: below(connection.base, 'models') } as const
    const json = await ask(question, connection, withRetry(http.via(env), repeatsFree), limits)
    const data = field(json, 'data')
    if (!Array.isArray(data)) throw badAnswer(connection.service, 'sent no list of models')
    return data.flatMap(entry => readModel(entry, connection) ?? [])
  } finally {
    await http.close()
  }
}

/**
 * Asks Lumenfall something that is no picture, and reads the answer as JSON of unknown shape.
 * @throws UpscaleError with an API_ code, ANSWER_TOO_LARGE, ABORTED
 */
export async function ask(
  question: Pick<HttpRequest, 'method' | 'isOrder' | 'url' | 'body'> & {
    readonly headers?: Readonly<Record<string, string>>
  },
  { apiKey, service }: Connection,
  send: Send,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<unknown> {
  const deadline = startDeadline(timeoutMs, signal)
  try {
    const response = await send({
      ...question,
      headers: { ...question.headers, accept: 'application/json', authorization: `Bearer ${apiKey}` },
      maxBytes: MAX_ANSWER_BYTES,
      deadline,
      secrets: service.secrets,
    })
    const json = parseJson(response.body.toString('utf8'))
    if (response.status === 200 && json !== undefined) return json
    const error =
      response.status === 200
        ? badAnswer(service, 'sent an answer that is no JSON')
        : apiError(response, json, service)
    const requestId = safeId(response.headers['x-lumenfall-request-id'], service.secrets)
    throw requestId === undefined ? error : withReceipt(error, { requestId })
  } finally {
    deadline.clear()
  }
}

function readModel(entry: unknown, { service }: Connection): CatalogueModel | undefined {
  const read = (name: string): string | undefined => {
    const text = textField(entry, name)
    return text === undefined ? undefined : safeText(text, { secrets: service.secrets })
  }
  const id = read('id')
  if (id === undefined || id === '') return undefined
  return { id, name: read('name'), ownedBy: read('owned_by'), description: read('description') }
}
