import { isUpscaleError } from 'upscale-core'
import { escapeLines } from 'upscale-core/internal'

/** Has what a host adds to the message of one of our errors escaped: Rollup puts the id of a module before it, as it is. */
export function keepEscaped(error: unknown): unknown {
  if (!isUpscaleError(error)) return error
  let { message } = error
  return Object.defineProperty(error, 'message', {
    configurable: true,
    get: () => message,
    set(text: string) {
      message = escapeLines(text)
    },
  })
}
