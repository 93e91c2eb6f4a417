import { describe, expect, it } from 'vitest'
import { parseModel } from './model.ts'

const HEADER = {
  name: 'best',
  scale: 2,
  channels: 4,
  anchor: 'bicubic',
  activationBits: 12,
  layers: [
    { in: 3, out: 4, shift: 13 },
    { in: 4, out: 12, shift: 14 },
  ],
}
const BODY = (3 * 4 * 9 + 4 * 12 * 9) * 2 + (4 + 12) * 4

function fileOf(
  header: unknown,
  body: Uint8Array = Uint8Array.from({ length: BODY }, (_, i) => i),
): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([Buffer.from('UPS1'), length, text, body])
}

describe('a weight file', () => {
  it('gives shapes, weights and biases, wherever it lies in its buffer', () => {
    const shifted = Buffer.concat([Buffer.from('x'), fileOf(HEADER)]).subarray(1)
    const model = parseModel(shifted, 'best-x2.bin')
    expect(model).toMatchObject({ name: 'best', scale: 2, anchor: 'bicubic' })
    expect(model.layers.map(({ inputs, outputs, shift }) => [inputs, outputs, shift])).toEqual([
      [3, 4, 13],
      [4, 12, 14],
    ])
    expect(model.layers[0]?.weights.slice(0, 2)).toEqual(Int16Array.of(0x0100, 0x0302))
    expect(model.layers[0]?.biases[0]).toBe(
      new DataView(Uint8Array.of(216, 217, 218, 219).buffer).getInt32(0, true),
    )
  })

  it.each([
    ['empty', new Uint8Array(), "doesn't begin with UPS1"],
    ['of another kind', Buffer.from('PNG12345678'), "doesn't begin with UPS1"],
    ['cut in its header', fileOf(HEADER).subarray(0, 20), 'header is cut off'],
    ['cut in its weights', fileOf(HEADER).subarray(0, -1), 'weights are cut off'],
    ['too long', Buffer.concat([fileOf(HEADER), Buffer.from('12')]), '2 bytes follow'],
    ['without JSON', fileOf('{"name":'), "header isn't JSON"],
    ['with a list for a header', fileOf([]), 'header is not an object'],
    ['at a wrong scale', fileOf({ ...HEADER, scale: 5 }), 'the scale 5'],
    ['with an unknown anchor', fileOf({ ...HEADER, anchor: 'lanczos' }), 'the anchor "lanczos"'],
    ['of other activations', fileOf({ ...HEADER, activationBits: 8 }), '8 bits instead of 12'],
    ['without layers', fileOf({ ...HEADER, layers: [] }), '1 to 64 layers'],
    [
      'whose layers do not meet',
      fileOf({ ...HEADER, layers: [{ in: 4, out: 12, shift: 13 }] }),
      'takes 4 channels',
    ],
    [
      'that ends early',
      fileOf({ ...HEADER, layers: [{ in: 3, out: 8, shift: 13 }] }),
      'gives 8 channels at scale 2',
    ],
    [
      'with a shift out of range',
      fileOf({ ...HEADER, layers: [{ in: 3, out: 12, shift: 0 }] }),
      'shift is 0',
    ],
  ])('%s is refused by name', (_how, bytes, why) => {
    expect(() => parseModel(bytes, 'best-x2.bin')).toThrow(
      expect.objectContaining({ code: 'ENGINE_FAILED', message: expect.stringContaining(why) }),
    )
    expect(() => parseModel(bytes, 'best-x2.bin')).toThrow(/best-x2\.bin/)
  })
})
