import { constants, createDeflate } from 'node:zlib'
import { encodeIndexedPng } from './indexed-png.ts'
import type { Samples } from './interleave.ts'
import { withKernel } from './kernel.ts'
import { pngFile } from './png-file.ts'
import { inSlices } from './slices.ts'

/*
 * PNGs from samples. Rows are filtered in WebAssembly (assembly/filter.ts), a batch at a time, and each batch is deflated
 * by Node's own zlib in the thread pool where it lies, so that a large picture never exists a second time. The encoder in
 * libvips can't leave out the search for repetitions, of which photographs have none.
 */

/** How rows are filtered and deflated. */
interface Way {
  readonly isFiltered: boolean
  readonly level: number
  /** Of zlib. */
  readonly strategy: number
}

/** Photographs: what is left after a filter has no repetitions that are worth their description. */
const GRAIN: Way = { isFiltered: true, level: 1, strategy: constants.Z_HUFFMAN_ONLY }
/** Gradients and type. */
const SHAPES: Way = { isFiltered: true, level: 6, strategy: constants.Z_DEFAULT_STRATEGY }
/** Flat drawings, and patterns that repeat. */
const PATTERNS: Way = { ...SHAPES, isFiltered: false }
/** Only repetitions of the byte before: hardly slower than {@link GRAIN}, and flat areas cost nothing. */
const QUICK: Way = { isFiltered: true, level: 1, strategy: constants.Z_RLE }

/** Rows in a band of the sample, and how many rows lie at least from one band to the next. */
const BAND = 8
const PERIOD = 64
/** Bands at most: enough to tell. */
const BANDS = 16
/** Pictures that are not higher are their own sample. */
const SMALL = 64

/** Bytes that are filtered and deflated at a time. */
const BATCH_BYTES = 128 * 1024
/** Bytes of a piece of what is deflated. */
const PIECE_BYTES = 64 * 1024
/** A whole vector is read before and behind a row. */
const VECTOR_BYTES = 16

const COLOUR_TYPES: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 }

/**
 * A small PNG. What has 256 colours or fewer gets a palette; for the rest a sample of the rows tells which way is best.
 *
 * @param profile the whole chunk of a profile
 */
export async function encodeSmallPng(samples: Samples, profile?: Uint8Array): Promise<Uint8Array> {
  const indexed = samples.channels >= 3 ? await encodeIndexedPng(samples, profile) : undefined
  if (indexed !== undefined) return indexed
  const sample = bandsOf(samples)
  const tried = await Promise.all(
    [SHAPES, PATTERNS, GRAIN].map(async way => ({ way, pieces: await compress(sample, way) })),
  )
  const best = tried.reduce((best, other) => (lengthOf(other.pieces) < lengthOf(best.pieces) ? other : best))
  return file(samples, sample === samples ? best.pieces : await compress(samples, best.way), profile)
}

/** A PNG made quickly rather than small. */
export async function encodeQuickPng(samples: Samples): Promise<Uint8Array> {
  return file(samples, await compress(samples, QUICK))
}

function file(
  { width, height, channels }: Samples,
  pieces: readonly Uint8Array[],
  profile?: Uint8Array,
): Uint8Array {
  return pngFile({ width, height, bits: 8, colourType: COLOUR_TYPES[channels] as number, profile }, pieces)
}

function bandsOf(samples: Samples): Samples {
  const { data, width, height, channels } = samples
  if (height <= SMALL) return samples
  const rowLength = width * channels
  const period = Math.max(PERIOD, Math.ceil(height / BANDS))
  const bands: Uint8Array[] = []
  for (let y = 0; y + BAND <= height; y += period)
    bands.push(data.subarray(y * rowLength, (y + BAND) * rowLength))
  return { data: Buffer.concat(bands), width, height: bands.length * BAND, channels }
}

const lengthOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0)

async function compress(
  { data, width, height, channels }: Samples,
  { isFiltered, level, strategy }: Way,
): Promise<Uint8Array[]> {
  const length = width * channels
  const stride = VECTOR_BYTES + length + VECTOR_BYTES
  const rows = Math.min(height, Math.max(1, Math.floor(BATCH_BYTES / length)))
  const results = (rows + 1) * stride
  const pieces: Uint8Array[] = []
  const stream = createDeflate({ level, strategy, chunkSize: PIECE_BYTES })
  const isDone = new Promise<void>((resolve, reject) => {
    stream
      .on('data', (piece: Uint8Array) => pieces.push(piece))
      .on('end', resolve)
      .on('error', reject)
  })
  const fill = withKernel(results + rows * (length + 1) + VECTOR_BYTES, async ({ loops, memory }) => {
    const bytes = new Uint8Array(memory.buffer)
    bytes.fill(0, 0, results)
    for (let from = 0; from < height; from += rows) {
      const count = Math.min(rows, height - from)
      await inSlices(count, length, (first, end) => {
        for (let y = first; y < end; y++) {
          const row = data.subarray((from + y) * length, (from + y + 1) * length)
          if (isFiltered) bytes.set(row, (y + 1) * stride + VECTOR_BYTES)
          else bytes.set(row, results + y * (length + 1) + 1)
        }
      })
      if (isFiltered) loops.filter(VECTOR_BYTES, stride, count, length, channels, results)
      else for (let y = 0; y < count; y++) bytes[results + y * (length + 1)] = 0
      await new Promise<void>((resolve, reject) => {
        const batch = bytes.subarray(results, results + count * (length + 1))
        stream.write(batch, error => (error ? reject(error) : resolve()))
      })
      // The last row is the one above the next batch.
      bytes.copyWithin(0, count * stride, (count + 1) * stride)
    }
  })
  await Promise.all([isDone, fill.then(() => stream.end())])
  return pieces
}
