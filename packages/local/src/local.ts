import { availableParallelism } from 'node:os'
import { type PixelEngine, type PixelImage, UpscaleError } from 'upscale-core'
import { enlarge } from './enlarge.ts'
import { parseModel } from './model.ts'
import { createPool } from './pool.ts'
import { compileProgram, type Program } from './program.ts'
import {
  MODELS,
  type ModelName,
  readWeights,
  revisionOf,
  SCALES,
  type Scale,
  stepsFor,
  weightFileName,
} from './weights.ts'

export interface LocalOptions {
  /**
   * `best` has the finer detail, `fast` takes a fraction of its time.
   * @default 'best'
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
const RUNNER_REVISION = 1

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
  const programs = new Map<Scale, Program>()
  let revision: string | undefined

  function programFor(scale: Scale): Program {
    const program =
      programs.get(scale) ??
      compileProgram(parseModel(readWeights(model, scale), weightFileName(model, scale)))
    programs.set(scale, program)
    return program
  }

  return {
    exchange: 'pixels',
    id: 'local',
    model,
    billing: 'free',
    priceMicros: 0,

    get revision() {
      revision ??= `${RUNNER_REVISION}-${revisionOf(model)}`
      return revision
    },

    scaleFor: factor =>
      factor > 1 ? SCALES.find(scale => scale >= factor && stepsFor(model, scale) !== undefined) : undefined,

    checkParams(params) {
      const [name] = Object.keys(params)
      if (name === undefined) return {}
      throw new UpscaleError('BAD_DIRECTIVE', `the local engine takes no "${name}"`, {
        hint: `remove "${name}", or name an engine that takes it`,
      })
    },

    async upscale({ image, scale }, { signal }) {
      checkImage(image)
      const known = SCALES.find(one => one === scale)
      if (known === undefined) {
        throw new UpscaleError('FACTOR_UNSUPPORTED', `the local engine has no network for x${scale}`, {
          hint: `ask for ${SCALES.join(', ')}`,
        })
      }
      signal.throwIfAborted()
      let result = image
      // Without steps the first read below says which weights are missing.
      for (const step of stepsFor(model, known) ?? [known]) {
        result = await enlarge(result, programFor(step), pool, { signal, threads })
      }
      return result
    },

    close: () => pool.close(),
  }
}

function resolveOptions(options: LocalOptions): Required<LocalOptions> {
  const { model = 'best', threads = Math.min(availableParallelism(), MAX_THREADS), ...rest } = options
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw new UpscaleError('BAD_OPTION', `local() has no option "${unknown}"`, {
      hint: 'it takes "model" and "threads"',
    })
  }
  if (!MODELS.includes(model)) {
    throw new UpscaleError('BAD_OPTION', `local() got model ${JSON.stringify(model)}`, {
      hint: `use ${MODELS.map(name => `"${name}"`).join(' or ')}`,
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
