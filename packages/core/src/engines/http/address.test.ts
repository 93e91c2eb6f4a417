import { describe, expect, test } from 'vitest'
import { bareHost, isLoopback, isPublicAddress, PRIVATE_ADDRESS, publicLookup } from './address.ts'

describe('public addresses', () => {
  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    '%s is public',
    address => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    '3fff::1',
    '2620:4f:8000::1',
    '5f00::1',
    '4000::1',
    '100::1',
    '2001:db8::1',
    '::ffff:0:127.0.0.1',
    '::ffff:192.168.0.1',
    '192.31.196.1',
    '192.52.193.1',
    '192.175.48.1',
    '192.0.0.9',
    'ff02::1',
    'localhost',
    '',
    '127.0.0.1.nip.io',
  ])('%s is not', address => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('hosts of URLs', () => {
  test.each([
    'http://localhost:80',
    'http://127.0.0.1',
    'http://[::1]:8080',
    'http://2130706433',
    'http://0x7f.1',
  ])('%s is this machine', url => {
    expect(isLoopback(new URL(url))).toBe(true)
  })

  test.each(['http://localhost.example', 'http://10.0.0.1', 'https://127.example', 'http://[::2]'])(
    '%s is not',
    url => {
      expect(isLoopback(new URL(url))).toBe(false)
    },
  )

  test('an IPv6 host loses its brackets', () => {
    expect(bareHost(new URL('http://[fe80::1]:80/'))).toBe('fe80::1')
  })
})

test.each([true, false])(
  'a name that leads to this machine is refused when it is resolved (all: %s)',
  async all => {
    const error = await new Promise(resolve => publicLookup('localhost', { all }, resolve))
    expect(error).toMatchObject({ code: PRIVATE_ADDRESS })
  },
)

test('a name that does not exist fails as usual', async () => {
  const error = await new Promise(resolve => publicLookup('nothing.invalid', { all: true }, resolve))
  expect(error).toMatchObject({ syscall: 'getaddrinfo' })
})
