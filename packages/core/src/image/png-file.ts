import { crc32 } from 'node:zlib'
import { inPieces, joinPieces } from '../source/pieces.ts'

/** What a PNG says of its samples. */
export interface PngFacts {
  /** True when they are sRGB; of grey samples that need not be said. */
  readonly isSrgb: boolean
}

/** What the header of a PNG says (https://www.w3.org/TR/png-3/#11IHDR), and its chunks before the samples. */
export interface PngHead extends PngFacts {
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** Bits of a sample or index. */
  readonly bits: number
  readonly colourType: number
  /** Content of further chunks by their type. */
  readonly chunks?: Readonly<Record<string, Uint8Array>>
}

const PERCEPTUAL = Buffer.of(0)
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
/** Behind the signature, and the length and the type of the first chunk. */
const SIZE_AT = SIGNATURE.length + 8

/**
 * Puts a PNG together.
 * @param samples the compressed samples, in pieces
 */
export async function pngFile(
  { width, height, bits, colourType, isSrgb, chunks = {} }: PngHead,
  samples: readonly Uint8Array[],
): Promise<Buffer> {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = bits
  head[9] = colourType
  const others = Object.entries(chunks).map(([type, content]) => chunk(type, [content]))
  return joinPieces([
    SIGNATURE,
    ...(await chunk('IHDR', [head])),
    ...(isSrgb ? await chunk('sRGB', [PERCEPTUAL]) : []),
    ...(await Promise.all(others)).flat(),
    ...(await chunk('IDAT', samples)),
    ...(await chunk('IEND', [])),
  ])
}

/** The size of a PNG in pixels, by its header. */
export function pngSizeOf(png: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  return { width: view.getUint32(SIZE_AT), height: view.getUint32(SIZE_AT + 4) }
}

async function chunk(type: string, content: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const start = Buffer.alloc(8)
  start.writeUInt32BE(content.reduce((sum, { length }) => sum + length, 0))
  start.write(type, 4, 'latin1')
  const end = Buffer.alloc(4)
  end.writeUInt32BE(await checkOf([start.subarray(4), ...content]))
  return [start, ...content, end]
}

async function checkOf(parts: readonly Uint8Array[]): Promise<number> {
  let check = 0
  await inPieces(parts, piece => {
    check = crc32(piece, check)
  })
  return check
}
