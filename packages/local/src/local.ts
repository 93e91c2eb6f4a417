import { availableParallelism } from 'node:os'
import { type EngineParams, type PixelEngine, type PixelImage, UpscaleError } from 'upscale-core'
import { show, unknownName } from 'upscale-core/internal'
import { CHOOSER_REVISION, choose } from './choose-network.ts'
import { enlarge } from './enlarge.ts'
import { parseModel } from './model.ts'
import { compileMirroredNetwork, compileNetwork, type Network } from './network.ts'
import { createPool } from './pool.ts'
import {
  EXPERTS,
  type Expert,
  readWeights,
  SCALES,
  type Scale,
  weightFileName,
  weightsDigest,
} from './weights.ts'

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
  const pool = createPool(threads)
  const networks = new Map<string, Promise<Network>>()
  let revision: string | undefined

  /** Reads the weights when they are first needed. */
  function networkFor(expert: Expert, scale: Scale, isBest = false): Promise<Network> {
    // A drawing gains nothing by it: type isn't mirrored, and hardly was in what `design` learned from.
    const isMirrored = isBest && expert !== 'design'
    const name = weightFileName(expert, scale)
    const key = isMirrored ? `${name}, mirrored` : name
    const known = networks.get(key)
    if (known !== undefined) return known
    const trained = parseModel(readWeights(name), name)
    const network = isMirrored ? compileMirroredNetwork(trained) : compileNetwork(trained)
    networks.set(key, network)
    return network
  }

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
      const { model: wanted = model } = params
      if (isExpert(wanted)) return enlarge(image, await networkFor(wanted, known), pool, { signal, threads })
      const isBest = wanted === 'quality'
      const { base, over } = await choose(image, pool, { signal, threads })
      const network = await networkFor(base, known, isBest)
      const larger = await enlarge(image, network, pool, {
        signal,
        threads,
        over: over && { network: await networkFor(over.expert, known, isBest), mix: over.mix },
      })
      return { ...larger, chosen: over === undefined ? base : `${base} and ${over.expert}` }
    },

    close: () => pool.close(),
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

function isExpert(value: unknown): value is Expert {
  return EXPERTS.some(name => name === value)
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
