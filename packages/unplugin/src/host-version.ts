import { UpscaleError } from 'upscale-core'

/**
 * A host that is older than the plugin can work in: installs that pass over peer dependencies let it in, and what is missing in
 * it would fail far from here.
 *
 * @param known what every version that is new enough has
 * @throws UpscaleError HOST_UNSUPPORTED
 */
export function requireHost(name: string, version: number, known: boolean): void {
  if (known) return
  throw new UpscaleError('HOST_UNSUPPORTED', `this is an older ${name} than ${name} ${version}`, {
    hint: `update it, with the plugins of it that you use: npm i -D ${name.toLowerCase()}@latest`,
  })
}
