import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { UpscaleError } from 'upscale-core'
import { ApiError } from './api-error.ts'

/** The variable that holds the keys that clients may use, separated by commas. */
export const KEYS_VARIABLE = 'UPSCALE_SERVER_KEYS'

/**
 * Finds out who asks. The caller's name is fit for a log and is what requests are counted by.
 * @throws ApiError AUTHENTICATION_FAILED
 */
export type Authenticate = (headers: IncomingHttpHeaders) => string

/**
 * The keys in a variable's value; none for an empty one.
 * @throws UpscaleError BAD_OPTION for a key that no header can carry; the message does not show it
 */
export function parseKeys(value: string | undefined): readonly string[] {
  const keys = (value ?? '')
    .split(',')
    .map(key => key.trim())
    .filter(key => key !== '')
  const wrong = keys.findIndex(key => !/^[\x21-\x7e]{1,500}$/.test(key))
  if (wrong === -1) return keys
  throw new UpscaleError(
    'BAD_OPTION',
    `key ${wrong + 1} in ${KEYS_VARIABLE} has characters that no header can carry`,
    {
      hint: 'use printable ASCII without blanks, at most 500 characters a key',
    },
  )
}

/** With keys: whoever has one. Without: whoever is on this machine. */
export function createAuthenticator(keys: readonly string[]): Authenticate {
  return keys.length === 0 ? localCaller : keyHolder(keys)
}

/**
 * Compares digests, all of them and each in constant time, so that neither the time of an answer nor the length of a
 * key tells anything about it.
 */
function keyHolder(keys: readonly string[]): Authenticate {
  const known = keys.map(digest)
  return ({ authorization = '' }) => {
    const presented = digest(/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '')
    const matches = known.map(key => timingSafeEqual(key, presented))
    const match = matches.indexOf(true)
    if (match !== -1) return `key ${match + 1}`
    throw new ApiError('AUTHENTICATION_FAILED', 'Send a valid key as "Authorization: Bearer <key>".')
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/**
 * Without keys the server only listens on this machine, but a web page that is open in a browser here can reach it
 * too: a form post needs no permission, and a name of the page's own may lead to 127.0.0.1. Both carry the name of the
 * site, and spending somebody's money from there is refused.
 */
function localCaller({ host, origin }: IncomingHttpHeaders): string {
  const fromHere = host !== undefined && isLoopbackName(hostnameOf(`http://${host}`))
  if (fromHere && (origin === undefined || isLoopbackName(hostnameOf(origin)))) return 'local'
  throw new ApiError(
    'AUTHENTICATION_FAILED',
    `Without ${KEYS_VARIABLE} this server answers local programs only.`,
  )
}

function hostnameOf(address: string): string {
  return URL.canParse(address) ? new URL(address).hostname.replace(/^\[|\]$/g, '') : ''
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** True for `localhost` and for addresses of this machine; no name is looked up. */
export function isLoopbackName(name: string): boolean {
  if (name === 'localhost') return true
  const family = isIP(name)
  return family !== 0 && LOOPBACK.check(name, family === 6 ? 'ipv6' : 'ipv4')
}
