import { UpscaleError } from '../../errors.ts'

/** In undici's words. Empty texts, not absent ones: for those undici would look into the process's own environment. */
export interface ProxySettings {
  readonly httpProxy: string
  readonly httpsProxy: string
  readonly noProxy: string
}

/**
 * The proxies that an environment names, by the custom of curl and others: lower case wins, and an address without a
 * scheme is http. Undefined where it names none.
 * @throws UpscaleError BAD_OPTION for an address that can't be a proxy's, without quoting it: it may hold a password
 */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): ProxySettings | undefined {
  const read = (name: string): string => env[name]?.trim() || env[name.toUpperCase()]?.trim() || ''
  const httpProxy = proxyAddress('http_proxy', read('http_proxy'))
  const httpsProxy = proxyAddress('https_proxy', read('https_proxy'))
  return httpProxy === '' && httpsProxy === ''
    ? undefined
    : { httpProxy, httpsProxy, noProxy: read('no_proxy') }
}

function proxyAddress(name: string, written: string): string {
  if (written === '') return ''
  const address = written.includes('://') ? written : `http://${written}`
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address
  throw new UpscaleError('BAD_OPTION', `${name.toUpperCase()} is no address of an http or https proxy`, {
    hint: 'write it like http://proxy.example:8080, or unset the variable',
  })
}
