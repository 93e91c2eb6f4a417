import { promisify } from 'node:util'
import { constants, crc32, deflate } from 'node:zlib'
import type { Samples } from './interleave.ts'
import { inSlices } from './slices.ts'

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const MOST_COLOURS = 256
const COLOUR_TYPE_INDEXED = 3
const deflateAsync = promisify(deflate)

/**
 * A PNG with a palette (https://www.w3.org/TR/png-3/), for pictures of at most 256 colours, transparency counted in:
 * without loss, and a third to a quarter of the same in full colour.
 *
 * @param samples three or four channels
 * @returns undefined when there are more colours
 */
export async function encodeIndexedPng({
  data,
  width,
  height,
  channels,
}: Samples): Promise<Uint8Array | undefined> {
  const hasAlpha = channels === 4
  const found = new Map<number, number>()
  const indexes = new Uint8Array(width * height)
  await inSlices(height, width * channels, (from, to) => {
    let last = -1
    let index = 0
    for (let pixel = from * width; pixel < to * width && found.size <= MOST_COLOURS; pixel++) {
      const at = pixel * channels
      const alpha = hasAlpha ? (data[at + 3] as number) : 255
      // Not with shifts, which would make the number negative.
      const colour =
        (((data[at] as number) * 256 + (data[at + 1] as number)) * 256 + (data[at + 2] as number)) * 256 +
        alpha
      if (colour !== last) {
        index = found.get(colour) ?? found.size
        if (index === found.size) found.set(colour, index)
        last = colour
      }
      indexes[pixel] = index
    }
  })
  if (found.size > MOST_COLOURS) return undefined
  const bits = found.size <= 2 ? 1 : found.size <= 4 ? 2 : found.size <= 16 ? 4 : 8
  const rows = await pack(indexes, width, height, bits)
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = bits
  head[9] = COLOUR_TYPE_INDEXED
  const palette = Buffer.alloc(found.size * 3)
  const alphas = Buffer.alloc(found.size)
  for (const [colour, index] of found) {
    palette.writeUIntBE(Math.floor(colour / 256), index * 3, 3)
    alphas[index] = colour % 256
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', palette),
    ...(alphas.every(alpha => alpha === 255) ? [] : [chunk('tRNS', alphas)]),
    chunk('IDAT', await deflateAsync(rows, { level: constants.Z_BEST_COMPRESSION })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Rows of indexes, the first in the highest bits of a byte, each row with the number of its filter (none) before it. */
async function pack(indexes: Uint8Array, width: number, height: number, bits: number): Promise<Uint8Array> {
  const inByte = 8 / bits
  const stride = 1 + Math.ceil(width / inByte)
  const rows = new Uint8Array(stride * height)
  await inSlices(height, width, (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * stride + 1 + Math.floor(x / inByte)
        const shift = 8 - bits * (1 + (x % inByte))
        rows[at] = (rows[at] as number) | ((indexes[y * width + x] as number) << shift)
      }
    }
  })
  return rows
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
