import { expect, it } from 'vitest'
import type { PixelImage } from '../image/pixel-image.ts'
import { resize } from './resize.ts'

const image: PixelImage = { data: new Uint8Array(5 * 3 * 3).fill(99), width: 5, height: 3, channels: 3 }
const context = { signal: new AbortController().signal, env: {} }

it.each([2, 1.5, 4, 3.3])('enlarges %d times, to whole pixels', async scale => {
  const answer = await resize.upscale({ image, scale, params: {} }, context)
  expect([answer.width, answer.height]).toEqual([Math.round(5 * scale), Math.round(3 * scale)])
  expect(answer.data.every(value => value === 99)).toBe(true)
})

it('reaches any factor', () => expect(resize.scaleFor(7.25)).toBe(7.25))

it('has no settings', () => {
  expect(resize.checkParams({})).toEqual({})
  expect(() => resize.checkParams({ detail: '60' })).toThrow(/no setting "detail".*BAD_DIRECTIVE/)
})

it('stops when the build has stopped', async () => {
  const signal = AbortSignal.abort()
  await expect(resize.upscale({ image, scale: 2, params: {} }, { ...context, signal })).rejects.toThrow()
})
