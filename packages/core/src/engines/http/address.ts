import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Addresses no public service lives at: this machine, private and shared networks, link-local (cloud metadata at
 * 169.254.169.254), multicast, documentation and reserved blocks, by the IANA special-purpose registries. IPv4 in
 * IPv6 clothing is matched by Node against the IPv4 rules; the tunnels that hide an IPv4 address (NAT64, 6to4,
 * Teredo) are refused whole.
 */
const NOT_PUBLIC = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6')
}

/** The only block of IPv6 that addresses of the public internet are given out from, and IPv4 in IPv6 clothing. */
const GLOBAL_UNICAST = new BlockList()
GLOBAL_UNICAST.addSubnet('2000::', 3, 'ipv6')
GLOBAL_UNICAST.addSubnet('::ffff:0:0', 96, 'ipv6')

/** True for an address of the public internet; false for all others and for anything that is no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  // A zone belongs to addresses of one link.
  if (family === 0 || address.includes('%')) return false
  if (family === 6 && !GLOBAL_UNICAST.check(address, 'ipv6')) return false
  return !NOT_PUBLIC.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** True where a URL's host is this machine by name or by number. */
export function isLoopback(url: URL): boolean {
  const host = bareHost(url)
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** The host without an IPv6 address's brackets. The URL parser has already turned `2130706433` into `127.0.0.1`. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** The address of `path` below a base address, whether or not that ends in a slash. */
export function below(base: URL, path: string): URL {
  return new URL(`${base.href.replace(/\/+$/, '')}/${path}`)
}

/** The code of the error with which {@link publicLookup} refuses a name. */
export const PRIVATE_ADDRESS = 'EPRIVATE'

/**
 * Resolves names for a socket and refuses the name when any of its addresses is not public. Since the socket connects
 * to what was checked, a name that changes its answer afterwards gains nothing.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0)
    const [first] = addresses
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      const refusal = Object.assign(new Error(`${hostname} leads to a private address`), {
        code: PRIVATE_ADDRESS,
      })
      return callback(refusal, '', 0)
    }
    if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}
