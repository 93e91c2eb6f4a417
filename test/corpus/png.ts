import { deflateSync } from 'node:zlib'

/** A PNG written byte by byte, for what encoders don't write. */
export interface PngParts {
  readonly width: number
  readonly height: number
  readonly bitDepth: 1 | 2 | 4 | 8 | 16
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha. */
  readonly colourType: 0 | 2 | 3 | 4 | 6
  /** One sample of a pixel, in the range of the bit depth. */
  readonly sample: (x: number, y: number, channel: number) => number
  /** Chunks between the header and the data. */
  readonly before?: readonly Uint8Array[]
  /** Chunks between the data and the end. */
  readonly after?: readonly Uint8Array[]
}

export const PNG_SIGNATURE: Buffer = Buffer.from('89504e470d0a1a0a', 'hex')

const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const

export function writePng(parts: PngParts): Buffer {
  const data = pngChunk('IDAT', deflateSync(scanlines(parts)))
  const { before = [], after = [] } = parts
  return Buffer.concat([PNG_SIGNATURE, header(parts), ...before, data, ...after, pngChunk('IEND')])
}

export function header({
  width,
  height,
  bitDepth,
  colourType,
}: Pick<PngParts, 'width' | 'height' | 'bitDepth' | 'colourType'>): Buffer {
  const body = Buffer.alloc(13)
  body.writeUInt32BE(width, 0)
  body.writeUInt32BE(height, 4)
  body[8] = bitDepth
  body[9] = colourType
  return pngChunk('IHDR', body)
}

export function pngChunk(type: string, body: Uint8Array = new Uint8Array()): Buffer {
  const chunk = Buffer.alloc(body.length + 12)
  chunk.writeUInt32BE(body.length, 0)
  chunk.write(type, 4, 'latin1')
  chunk.set(body, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, body.length + 8)), body.length + 8)
  return chunk
}

/** Rows of packed samples, each after the filter type 0. */
export function scanlines({ width, height, bitDepth, colourType, sample }: PngParts): Buffer {
  const channels = CHANNELS[colourType]
  const stride = Math.ceil((width * channels * bitDepth) / 8) + 1
  const rows = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y++) {
    for (let index = 0; index < width * channels; index++) {
      const value = sample(Math.floor(index / channels), y, index % channels)
      const bit = index * bitDepth
      const at = y * stride + 1 + (bit >> 3)
      if (bitDepth === 16) rows.writeUInt16BE(value, at)
      else rows[at] = rows[at]! | (value << (8 - bitDepth - (bit & 7)))
    }
  }
  return rows
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
