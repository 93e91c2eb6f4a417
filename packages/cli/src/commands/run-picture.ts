import { extname } from 'node:path'
import {
  FORMATS,
  type Format,
  isUpscaleError,
  type Origin,
  type UpscaledImage,
  UpscaleError,
  type UpscaleRequest,
  type Upscaler,
} from 'upscale-core'
import { whileThere } from 'upscale-core/internal'
import { placeFile } from '../files/place.ts'
import { factorTo } from '../files/size.ts'
import type { Targets } from '../files/target.ts'
import type { Found } from '../files/walk.ts'
import type { RunFlags } from './run-flags.ts'

/** What became of one picture. Paths are absolute. */
export interface Row {
  readonly source: string
  /**
   * - `written`: its file is new or has new bytes. `unchanged`: the file had these bytes already.
   * - `skipped`: it is large enough. `stopped`: it was not begun when the run was interrupted.
   * - `planned`: what a dry run found.
   */
  readonly state: 'written' | 'unchanged' | 'skipped' | 'planned' | 'failed' | 'stopped'
  readonly output?: string
  readonly origin?: Origin
  readonly width?: number
  readonly height?: number
  readonly bytes?: number
  readonly factor?: number
  readonly engine?: string
  /** What a dry run found: how far the picture is, and what its call would cost. */
  readonly plan?: string
  readonly priceMicros?: number
  readonly error?: UpscaleError
}

export interface PictureWork {
  readonly request: Partial<UpscaleRequest>
  readonly flags: RunFlags
  readonly targets: Targets
  readonly upscaler: Upscaler
}

/** Makes the function that does all the work on one picture. It throws only what is a mistake of ours. */
export function createPictureWork(work: PictureWork): (found: Found) => Promise<Row> {
  return async found => {
    try {
      return await makePicture(found, work)
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      const placed = inFlags(error).at({ file: found.file })
      return { source: found.file, state: error.code === 'ABORTED' ? 'stopped' : 'failed', error: placed }
    }
  }
}

/** The same error, which speaks of flags where it spoke of keys of a reference, since nobody wrote one. */
function inFlags(error: UpscaleError): UpscaleError {
  const say = (text: string): string =>
    text
      .replace(/\b(format|quality|engine)=(\w+)/g, '--$1 $2')
      .replace(/"(format|quality|engine)"/g, '--$1')
      .replace(/\?upscale\b/g, 'upscaling')
  const hint = say(error.details.hint)
  const problem = say(error.problem)
  return hint === error.details.hint && problem === error.problem
    ? error
    : new UpscaleError(error.code, problem, { ...error.details, hint })
}

async function makePicture({ file, name }: Found, work: PictureWork): Promise<Row> {
  const { flags, targets, upscaler } = work
  const factor = flags.to === undefined ? upscaler.options.factor : await factorTo(file, flags.to)
  if (factor <= 1 || factor < (flags.minGain ?? 1)) return { source: file, state: 'skipped', factor }
  const request = { ...work.request, factor }
  // Asked before the engine is, so that nothing is paid for a result that has no place.
  const format = request.format ?? upscaler.options.format ?? formatOf(name)
  const expected = targets.fileFor(file, name, format)
  if (flags.dryRun === true) {
    const { state, priceMicros, engine } = await upscaler.plan(file, request)
    return { source: file, state: 'planned', output: expected, factor, engine, plan: state, priceMicros }
  }
  const ask = (): Promise<UpscaledImage> => upscaler.upscale(file, request)
  const image = await ask()
  const { origin, width, height, size, engine } = image
  const output = image.format === format ? expected : targets.fileFor(file, name, image.format)
  const written = await whileThere(image, ask, made => placeFile(made, output))
  const state = written ? 'written' : 'unchanged'
  return { source: file, state, output, origin, width, height, bytes: size, factor, engine }
}

/** By the extension; what a file really is shows when it is read. */
function formatOf(name: string): Format {
  const extension = extname(name).slice(1).toLowerCase()
  return FORMATS.find(format => format === extension) ?? 'jpeg'
}
