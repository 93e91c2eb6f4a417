import type { Samples } from './interleave.ts'
import { inSlices } from './slices.ts'

/**
 * Gives all pixels whose alpha is 0 one colour, in place. What was grown into them for the engine are tens of thousands of
 * colours that nobody sees and every encoder pays for. Theirs is the mean colour of what can be seen and not black,
 * for the sake of drawing programs that mix colours without regard to alpha. Samples without alpha are left alone.
 */
export async function hideOneColour({ data, width, height, channels }: Samples): Promise<void> {
  if (channels === 1 || channels === 3) return
  const alphaAt = channels - 1
  const sums = new Array<number>(alphaAt).fill(0)
  let visible = 0
  await inSlices(height, width * channels, (from, to) => {
    for (let at = from * width * channels; at < to * width * channels; at += channels) {
      const alpha = data[at + alphaAt] as number
      if (alpha === 0) continue
      visible += alpha
      for (let channel = 0; channel < alphaAt; channel++)
        sums[channel] = (sums[channel] as number) + alpha * (data[at + channel] as number)
    }
  })
  const colour = sums.map(sum => (visible === 0 ? 0 : Math.round(sum / visible)))
  await inSlices(height, width * channels, (from, to) => {
    for (let at = from * width * channels; at < to * width * channels; at += channels) {
      if (data[at + alphaAt] === 0) data.set(colour, at)
    }
  })
}
