import type { Engine } from 'unplugin-upscale'

/** An engine that waits until the test lets it work. */
export interface GatedEngine {
  readonly engine: Engine
  /** Lets every call go on, those to come too. */
  open(): void
  /** Holds calls back again. */
  shut(): void
  /** How many calls there were. */
  readonly calls: number
}

/**
 * Repeats each pixel and turns its colour into the opposite, so that a finished picture can be told from any placeholder.
 * @param failure makes every call fail with this text once it may go on
 */
export function gatedEngine({ failure }: { readonly failure?: string } = {}): GatedEngine {
  let calls = 0
  let release = (): void => {}
  let gate = Promise.resolve()
  const shut = (): void => {
    gate = new Promise(resolve => {
      release = resolve
    })
  }
  shut()
  return {
    shut,
    open: () => release(),
    get calls() {
      return calls
    },
    engine: {
      id: 'gated',
      model: 'opposite',
      revision: '1',
      exchange: 'pixels',
      billing: 'free',
      priceMicros: 0,
      scaleFor: factor => Math.ceil(factor),
      checkParams: () => ({}),
      async upscale({ image, scale }, { signal }) {
        calls++
        await Promise.race([gate, aborted(signal)])
        signal.throwIfAborted()
        if (failure !== undefined) throw new Error(failure)
        const { channels } = image
        const width = image.width * scale
        const height = image.height * scale
        const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
          const pixel = Math.floor(at / channels)
          const x = Math.floor((pixel % width) / scale)
          const y = Math.floor(pixel / width / scale)
          return 255 - (image.data[(y * image.width + x) * channels + (at % channels)] ?? 0)
        })
        return { data, width, height, channels }
      },
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
