import { UpscaleError } from '../errors.ts'
import type { PixelEngine } from './engine.ts'
import { forgetsAnswers } from './spent-answers.ts'

/** Plain Lanczos 3 resampling: free, offline, adds no detail. The baseline, and the fallback of `onError: 'resize'`. */
export const resize: PixelEngine = forgetsAnswers({
  id: 'resize',
  model: 'lanczos3',
  revision: '1',
  exchange: 'pixels',
  billing: 'free',
  priceMicros: 0,
  quick: true,

  scaleFor: factor => factor,

  checkParams(params) {
    const name = Object.keys(params)[0]
    if (name === undefined) return {}
    throw new UpscaleError('BAD_DIRECTIVE', `the engine "resize" has no setting "${name}"`, {
      hint: `remove "${name}", or name an engine that has it with "engine="`,
    })
  },

  async upscale({ image, scale }, { signal }) {
    signal.throwIfAborted()
    const { resample } = await import('../image/resample.ts')
    return resample(image, Math.round(image.width * scale), Math.round(image.height * scale))
  },
})
