import { availableParallelism } from 'node:os'
import { type EngineParams, type PixelEngine, type PixelImage, UpscaleError } from 'upscale-core'
import { show, unknownName } from 'upscale-core/internal'
import type { Enlarger } from './enlarger.ts'
import { EXPERTS, type Expert, SCALES, weightsDigest } from './weights.ts'

/**
 * An expert for all of the picture; `auto`: whichever its parts need; `quality`: the same, where photographs and what
 * compression has damaged are enlarged as they are and mirrored each way, for the mean of the results.
 */
export type ModelName = 'auto' | Expert | 'quality'

const MODELS: readonly ModelName[] = ['auto', ...EXPERTS, 'quality']

export interface LocalOptions {
  /**
   * `auto` looks at each picture and takes `design`, `photo` or `compressed`, for its parts or for all of it. `quality`
   * chooses as `auto` does and comes closer to photographs and compressed pictures, in four times the time; `fast` takes a
   * fraction of it. A directive's `model=` goes before it.
   * @default 'auto'
   */
  readonly model?: ModelName
  /**
   * Threads to compute on, 1 to 64. The result doesn't depend on it.
   * @default the number of processors this process may use
   */
  readonly threads?: number
}

const MAX_THREADS = 64

/**
 * Part of {@link PixelEngine.revision} beside the kernel and the weights: counts the changes of this folder's code
 * that change a pixel.
 */
const RUNNER_REVISION = 3

/** Counts the changes of which network is chosen: in choose-network.ts, blocks.ts, survey.mjs, damage.mjs and mix.mjs. */
const CHOOSER_REVISION = 2

/**
 * The embedded engine: a small neural network on the CPU. No key, no network, nothing to pay, and the same bytes on
 * every machine.
 *
 * @throws UpscaleError BAD_OPTION
 * @example
 * ```ts
 * const engine = local({ model: 'fast' })
 * ```
 */
export function local(options: LocalOptions = {}): PixelEngine {
  const { model, threads } = resolveOptions(options)
  // A build whose pictures are all cached reads no network and starts no thread.
  let enlarger: Promise<Enlarger> | undefined
  let revision: string | undefined

  return {
    exchange: 'pixels',
    id: 'local',
    model,
    billing: 'free',
    priceMicros: 0,

    get revision() {
      revision ??= `${RUNNER_REVISION}.${CHOOSER_REVISION}-${weightsDigest(model)}`
      return revision
    },

    scaleFor: factor => (factor > 1 ? SCALES.find(scale => scale >= factor) : undefined),

    checkParams,

    async upscale({ image, scale, params }, { signal }) {
      checkImage(image)
      const known = SCALES.find(one => one === scale)
      if (known === undefined) {
        throw new UpscaleError('FACTOR_UNSUPPORTED', `the local engine has no network for x${scale}`, {
          hint: `ask for ${SCALES.join(', ')}`,
        })
      }
      signal.throwIfAborted()
      enlarger ??= import('./enlarger.ts').then(({ openEnlarger }) => openEnlarger(threads))
      const { model: wanted = model } = params
      return (await enlarger).upscale(image, known, wanted, signal)
    },

    close: async () => (await enlarger)?.close(),
  }
}

function checkParams(params: Readonly<Record<string, string>>): EngineParams {
  const { model, ...rest } = params
  const [name] = Object.keys(rest)
  if (name !== undefined) {
    throw new UpscaleError('BAD_DIRECTIVE', `the local engine takes no "${name}"`, {
      hint: `remove "${name}", or name an engine that takes it`,
    })
  }
  if (model === undefined) return {}
  if (isModel(model)) return { model }
  throw new UpscaleError('BAD_DIRECTIVE', unknownName('model', model, MODELS), {
    hint: `write model= with ${MODELS.join(', ')}, or remove it`,
  })
}

function isModel(value: unknown): value is ModelName {
  return MODELS.some(name => name === value)
}

function resolveOptions(options: LocalOptions): Required<LocalOptions> {
  const { model = 'auto', threads = Math.min(availableParallelism(), MAX_THREADS), ...rest } = options
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw new UpscaleError('BAD_OPTION', `local() has no option "${unknown}"`, {
      hint: 'it takes "model" and "threads"',
    })
  }
  if (!isModel(model)) {
    throw new UpscaleError('BAD_OPTION', `local() got model ${JSON.stringify(model)}`, {
      hint: `use one of ${MODELS.map(show).join(', ')}`,
    })
  }
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new UpscaleError(
      'BAD_OPTION',
      `local() got threads ${JSON.stringify(threads)} (${typeof threads})`,
      {
        hint: `use a whole number from 1 to ${MAX_THREADS}, or leave it out`,
      },
    )
  }
  return { model, threads }
}

function checkImage({ data, width, height, channels }: PixelImage): void {
  const sound = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0
  if (!sound || (channels !== 1 && channels !== 3) || data.length !== width * height * channels) {
    throw new UpscaleError(
      'ENGINE_FAILED',
      `the local engine got ${data.length} bytes as ${width} x ${height} pixels of ${channels} channels`,
      { hint: 'hand it 8-bit grey or RGB samples without padding' },
    )
  }
}
