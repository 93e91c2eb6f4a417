/** ICC profiles written by hand: RGB spaces of three primaries and a power curve, and grey ones of a curve alone. */

/** CIE XYZ under D50. */
type Xyz = readonly [number, number, number]

export interface RgbSpace {
  readonly primaries: readonly [red: Xyz, green: Xyz, blue: Xyz]
  readonly gamma: number
}

export const ADOBE_RGB: RgbSpace = {
  primaries: [
    [0.60974, 0.31111, 0.01947],
    [0.20528, 0.62567, 0.06087],
    [0.14919, 0.06322, 0.74457],
  ],
  gamma: 563 / 256,
}

const D50: Xyz = [0.9642, 1, 0.8249]

export function writeRgbProfile(name: string, { primaries, gamma }: RgbSpace): Buffer {
  const [red, green, blue] = primaries
  return writeProfile('RGB ', [
    ['desc', description(name)],
    ['cprt', text('none')],
    ['wtpt', xyz(D50)],
    ['rXYZ', xyz(red)],
    ['gXYZ', xyz(green)],
    ['bXYZ', xyz(blue)],
    ['rTRC', curve(gamma)],
    ['gTRC', curve(gamma)],
    ['bTRC', curve(gamma)],
  ])
}

export function writeGreyProfile(name: string, gamma: number): Buffer {
  return writeProfile('GRAY', [
    ['desc', description(name)],
    ['cprt', text('none')],
    ['wtpt', xyz(D50)],
    ['kTRC', curve(gamma)],
  ])
}

/** What a colour of the space is in sRGB, 0 to 255, unrounded and clipped. */
export function toSrgb(colour: readonly number[], { primaries, gamma }: RgbSpace): number[] {
  const linear = colour.map(value => (value / 255) ** gamma)
  const [x, y, z] = [0, 1, 2].map(axis =>
    linear.reduce((sum, value, channel) => sum + value * primaries[channel]![axis]!, 0),
  ) as [number, number, number]
  // The inverse of sRGB's primaries under D50.
  return [
    3.1338561 * x - 1.6168667 * y - 0.4906146 * z,
    -0.9787684 * x + 1.9161415 * y + 0.033454 * z,
    0.0719453 * x - 0.2289914 * y + 1.4052427 * z,
  ].map(encodeSrgb)
}

export function encodeSrgb(linear: number): number {
  const value = Math.min(1, Math.max(0, linear))
  return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055)
}

function writeProfile(space: string, tags: readonly (readonly [string, Buffer])[]): Buffer {
  const table = Buffer.alloc(4 + tags.length * 12)
  table.writeUInt32BE(tags.length, 0)
  let offset = 128 + table.length
  for (const [index, [name, body]] of tags.entries()) {
    table.write(name, 4 + index * 12, 'latin1')
    table.writeUInt32BE(offset, 8 + index * 12)
    table.writeUInt32BE(body.length, 12 + index * 12)
    offset += body.length
  }
  const head = Buffer.alloc(128)
  head.writeUInt32BE(offset, 0)
  head.writeUInt32BE(0x02400000, 8)
  head.write('mntr', 12, 'latin1')
  head.write(space, 16, 'latin1')
  head.write('XYZ ', 20, 'latin1')
  head.writeUInt16BE(2026, 24)
  head.writeUInt16BE(1, 26)
  head.writeUInt16BE(1, 28)
  head.write('acsp', 36, 'latin1')
  xyz(D50).copy(head, 68, 8)
  return Buffer.concat([head, table, ...tags.map(([, body]) => body)])
}

function xyz(values: Xyz): Buffer {
  const tag = Buffer.alloc(20)
  tag.write('XYZ ', 0, 'latin1')
  for (const [index, value] of values.entries()) tag.writeInt32BE(Math.round(value * 65536), 8 + index * 4)
  return tag
}

function curve(gamma: number): Buffer {
  const tag = Buffer.alloc(16)
  tag.write('curv', 0, 'latin1')
  tag.writeUInt32BE(1, 8)
  tag.writeUInt16BE(Math.round(gamma * 256), 12)
  return tag
}

function text(value: string): Buffer {
  return padded(Buffer.concat([Buffer.from('text\0\0\0\0', 'latin1'), Buffer.from(`${value}\0`, 'latin1')]))
}

function description(value: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(value.length + 1)
  const start = [Buffer.from('desc\0\0\0\0', 'latin1'), length, Buffer.from(`${value}\0`, 'latin1')]
  return padded(Buffer.concat([...start, Buffer.alloc(78)]))
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
