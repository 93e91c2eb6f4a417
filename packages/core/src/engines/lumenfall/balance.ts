import { UpscaleError } from '../../errors.ts'
import { below } from '../http/address.ts'
import { field } from '../http/json.ts'
import { ask, type CatalogueClient } from './ask.ts'

export interface Balance {
  /** Absent when the service said something else. */
  readonly billing?: 'prepaid' | 'postpaid'
  /** Millionths of a US dollar. Absent when paid afterwards, or while the service can't say. */
  readonly availableMicros?: number
}

/**
 * What is left on the account, by `GET /v1/balance` of the native API (docs.lumenfall.ai/api-reference/balance), which
 * lies beside the OpenAI-like one: `…/openai/v1` and `…/v1`.
 * @throws UpscaleError BAD_OPTION where the base address doesn't tell the native one, or an API_ code
 */
export async function getBalance(client: CatalogueClient): Promise<Balance> {
  const question = { method: 'GET', isOrder: false, url: below(nativeBase(client.base), 'balance') } as const
  const { json } = await ask(question, client)
  const billing = field(json, 'billing_type')
  const available = field(json, 'available')
  const amount = field(available, 'amount')
  const currency = field(available, 'currency') ?? 'usd'
  const isDollars = typeof currency === 'string' && /^usd$/i.test(currency)
  const micros = typeof amount === 'number' && isDollars ? Math.round(amount * 1e6) : undefined
  return {
    ...(billing === 'prepaid' || billing === 'postpaid' ? { billing } : {}),
    ...(micros !== undefined && Number.isSafeInteger(micros) ? { availableMicros: micros } : {}),
  }
}

function nativeBase(base: URL): URL {
  const path = base.pathname.replace(/\/+$/, '')
  if (path.endsWith('/openai/v1')) return new URL(`${path.slice(0, -'/openai/v1'.length)}/v1`, base)
  throw new UpscaleError(
    'BAD_OPTION',
    'the base address does not end in /openai/v1, so the balance has no address',
    {
      hint: 'write it like https://api.lumenfall.ai/openai/v1',
    },
  )
}
