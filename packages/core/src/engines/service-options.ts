import { UpscaleError } from '../errors.ts'
import { integer, type Rule, text, textList } from '../validate.ts'
import { isLoopback } from './http/address.ts'
import { numberBetween } from './params.ts'

// What the options of all paid services have in common: addresses, keys, prices, time.

export type Env = Readonly<Record<string, string | undefined>>

/** As the URL parser writes them: lower case, a port only where it is not 443; `*.` stands for all names below. */
const hostList: Rule<readonly string[]> = {
  expected: 'a list of hosts such as "media.lumenfall.ai" or "*.fal.media"',
  accepts: (value): value is readonly string[] =>
    textList.accepts(value) &&
    value.every(host => /^(?:(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d+)?$/.test(host)),
}

/** A key's own check is {@link keyProblems}: {@link hideKey} keeps it from those whose messages quote values. */
const keyRule: Rule<string> = { expected: 'text that could be a key', accepts: isSendable }

/** Rules of the options that every service has. */
export const SERVICE_RULES: Readonly<
  Record<'apiKey' | 'baseURL' | 'mediaHosts' | 'timeoutMs' | 'price', Rule<unknown>>
> = {
  apiKey: keyRule,
  baseURL: text(2000),
  mediaHosts: hostList,
  timeoutMs: integer(1, 3_600_000),
  price: numberBetween(0, 1000),
}

/** US dollars as integer millionths. */
export function microsOf(dollars: number): number {
  return Math.round(dollars * 1e6)
}

/**
 * Refuses options with all their problems in one message.
 * @param owner - the function they were given to, `lumenfall()`
 * @param names - the options it takes
 * @throws UpscaleError BAD_OPTION unless there are no problems
 */
export function refuseProblems(owner: string, problems: readonly string[], names: readonly string[]): void {
  if (problems.length === 0) return
  throw new UpscaleError('BAD_OPTION', `${owner}: ${problems.join('; ')}`, {
    hint: `options are ${names.join(', ')}`,
  })
}

/** The options with the key left out. */
export function hideKey<T extends { readonly apiKey?: string }>(options: T): T {
  return { ...options, apiKey: undefined }
}

/** What is wrong with a key given as an option, without quoting it. */
export function keyProblems(apiKey: unknown): string[] {
  return apiKey === undefined || keyRule.accepts(apiKey) ? [] : [`apiKey is no ${keyRule.expected}`]
}

/**
 * The key of a call: the option's, else the environment's.
 * @param variable - where the environment has it
 * @throws UpscaleError KEY_MISSING where there is none, or one that can't be sent
 */
export function resolveKey(apiKey: string | undefined, variable: string, service: string, env: Env): string {
  const key = apiKey ?? env[variable]?.trim()
  if (key !== undefined && key !== '' && isSendable(key)) return key
  const problem = key
    ? `the API key in ${variable} has characters that no key has`
    : `there is no API key for ${service}`
  throw new UpscaleError('KEY_MISSING', problem, {
    hint: `put ${variable}=… into the environment or into .env.local, which must not be committed`,
  })
}

/**
 * A service's address from an option or a variable. https, or plain http on this machine.
 * @param name - what the user calls it
 * @throws UpscaleError BAD_OPTION, without quoting the address, which may hold credentials
 */
export function parseBase(address: string, name: string, example: string): URL {
  const problem = baseProblem(address)
  if (problem === undefined) return new URL(address)
  throw new UpscaleError('BAD_OPTION', `${name} ${problem}`, {
    hint: `write it like ${example}; plain http is for this machine only`,
  })
}

function baseProblem(address: string): string | undefined {
  if (!URL.canParse(address)) return 'is no address'
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') return 'must not carry credentials'
  if (url.search !== '' || url.hash !== '') return 'must not have a query or a fragment'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return `must start with https:, found ${url.protocol}`
}

/** Printable ASCII without blanks: what a header takes. */
function isSendable(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,500}$/.test(value)
}
