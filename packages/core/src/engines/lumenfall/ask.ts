import type { HttpRequest, HttpResponse, Send } from '../http/client.ts'
import { startDeadline } from '../http/deadline.ts'
import { parseJson } from '../http/json.ts'
import type { Connection } from '../openai/engine.ts'
import { apiError, badAnswer } from '../openai/errors.ts'
import { safeId, withReceipt } from '../openai/receipt.ts'

/** What a question to Lumenfall needs: where it goes, how long it may take, and who sends it. */
export interface CatalogueClient extends Connection {
  readonly apiKey: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Sends what is free. */
  readonly send: Send
  /** Sends what may be taken for an order, and repeats it as seldom as one. */
  readonly sendOrder: Send
}

export type Question = Pick<HttpRequest, 'method' | 'isOrder' | 'url' | 'body'> & {
  readonly headers?: Readonly<Record<string, string>>
}

/** The catalogue has some hundred models; this is room for many more. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Asks, and reads the answer as JSON of unknown shape.
 * @throws UpscaleError with an API_ code, ANSWER_TOO_LARGE, ABORTED
 */
export async function ask(
  question: Question,
  client: CatalogueClient,
): Promise<{ json: unknown; response: HttpResponse }> {
  const { apiKey, service, timeoutMs, signal } = client
  const deadline = startDeadline(timeoutMs, signal)
  try {
    const send = question.isOrder ? client.sendOrder : client.send
    const response = await send({
      ...question,
      headers: { ...question.headers, accept: 'application/json', authorization: `Bearer ${apiKey}` },
      maxBytes: MAX_ANSWER_BYTES,
      deadline,
      secrets: service.secrets,
    })
    const json = parseJson(response.body.toString('utf8'))
    if (response.status === 200 && json !== undefined) return { json, response }
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
