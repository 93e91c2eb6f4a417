import { constants, createDeflate, deflateSync } from 'node:zlib'
import { encodeIndexedPng, hasFewColours } from './indexed-png.ts'
import type { Samples } from './interleave.ts'
import { type Kernel, withKernel } from './kernel.ts'
import { type PngFacts, pngFile } from './png-file.ts'
import { inSlices, sliceTurn } from './slices.ts'

/*
 * PNGs from samples. Rows are evened out and filtered in WebAssembly (assembly/even.ts, assembly/filter.ts), a batch at a
 * time, and each batch is deflated where it lies, so that a large picture never exists a second time: by Node's own zlib in
 * the thread pool, or beside the filter (assembly/deflate.ts). The encoder in libvips can't leave out the search for
 * repetitions, of which photographs have none.
 */

/** How rows are filtered and deflated. */
interface Way {
  readonly isFiltered: boolean
  /** True where assembly/deflate.ts does the rest. */
  readonly isOwn?: boolean
  /** Of zlib, as those that follow. */
  readonly level: number
  readonly strategy: number
  readonly memLevel: number
}

const { Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_RLE } = constants
/** Photographs: what is left after a filter has no repetitions that are worth their description. */
const GRAIN: Way = { isFiltered: true, level: 1, strategy: Z_HUFFMAN_ONLY, memLevel: 8 }
/** Gradients and type. */
const SHAPES: Way = { isFiltered: true, level: 6, strategy: Z_DEFAULT_STRATEGY, memLevel: 8 }
/** Flat drawings, patterns that repeat, and noise, which differs more from its neighbours than from its mean. */
const PATTERNS: Way = { ...SHAPES, isFiltered: false }
/**
 * Only repetitions of the byte before: hardly slower than {@link GRAIN}, and flat areas cost nothing. A large photograph
 * that was enlarged is smooth: all repetitions would save 5 to 10 % of its bytes and take ten times as long.
 */
const QUICK: Way = { isFiltered: true, level: 1, strategy: Z_RLE, memLevel: 8 }
/** The same in fewer bytes, for what is so large that the thread pool would hardly be faster. */
const RUNS: Way = { ...QUICK, isOwn: true }
/** A search that takes ten times as long, as it does but for drawings, must save more than this on the sample. */
const SLOW = 1.03
/** Pictures of so many pixels are worth the search for the longest repetitions, in shorter blocks. */
const LIGHT_PIXELS = 1 << 17
const THOROUGH = { level: 9, memLevel: 7 }
/** Pictures of so many pixels are deflated here. */
const LARGE_PIXELS = 1 << 20

/** Rows in a band of the sample, and how many rows lie at least from one band to the next. */
const BAND = 8
const PERIOD = 64
/** Bytes of a sample, but for two bands at least, and of a large picture the part: fewer bands don't tell the ways apart. */
const SAMPLE_BYTES = 64 * 1024
const SAMPLE_PART = 1 / 32
/** Pictures that are not higher are their own sample. */
const SMALL = 64
/** Tells the ways apart nearly as well as their own levels would, in a third of the time. */
const SAMPLE_LEVEL = 4

/** Bytes that are filtered and deflated at a time: in the thread pool more, since each trip there takes a while. */
const BATCH_BYTES = 128 * 1024
const POOL_BATCH_BYTES = 1024 * 1024
/** What is not larger is deflated at once: less than a millisecond's work, and handing it to the thread pool costs as much. */
const AT_ONCE_BYTES = 32 * 1024
/** Bytes of a piece of what is deflated; each further one is another trip to the thread pool. Samples mostly need one. */
const PIECE_BYTES = 64 * 1024
const SAMPLE_PIECE_BYTES = 32 * 1024
/** More than a picture takes that is as its sample. */
const ROOM = 1.125
/** A whole vector is read before and behind a row. */
const VECTOR_BYTES = 16
/** What assembly/deflate.ts keeps between batches, all 0 at first; and what a batch may take beyond four times its bytes. */
const WORK_BYTES = 10240
const HEAD_BYTES = 1024
/** Rows above and below that say whether a place is beside an edge; assembly/even.ts counts on it. */
const REACH = 4

/** A drawing has so many pixels that equal the one before, of 1. Few photographs have half as many. */
const FLAT = 0.45

const COLOUR_TYPES: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 }

/** A PNG, and whether a decoder gets back from it just the samples that were given. */
export interface SmallPng {
  readonly bytes: Uint8Array
  readonly isExact: boolean
}

/**
 * A small PNG. What has 256 colours or fewer gets a palette; for the rest a sample of the rows tells which way is best.
 * Beside the edges of a drawing, and where it is partly transparent, colours may be a level off: that is, no more than one
 * once they are mixed with what is behind them. Everything else is kept as it is, photographs and alpha included.
 */
export async function encodeSmallPng(samples: Samples, facts: PngFacts): Promise<SmallPng> {
  const { width, height, channels } = samples
  const sample = await bandsOf(samples)
  // What has more colours mostly shows it in a few rows from all over, and not before the middle.
  const mayBeIndexed = channels >= 3 && (await hasFewColours(sample))
  const indexed = mayBeIndexed ? await encodeIndexedPng(samples, facts) : undefined
  if (indexed !== undefined) return { bytes: indexed, isExact: true }
  const isEven = channels % 2 === 0 || (await repeatedPart(sample)) >= FLAT
  const isLight = width * height <= LIGHT_PIXELS
  const ways = isLight
    ? [{ ...SHAPES, ...THOROUGH }, { ...PATTERNS, ...THOROUGH }, GRAIN]
    : width * height >= LARGE_PIXELS
      ? [SHAPES, PATTERNS, RUNS]
      : [SHAPES, PATTERNS, GRAIN, ...(isEven ? [] : [QUICK])]
  const isWhole = sample === samples
  const tried = await Promise.all(
    ways.map(async way => {
      const tryout = isWhole ? way : { ...way, level: Math.min(way.level, SAMPLE_LEVEL) }
      return { way, pieces: await compress(sample, tryout, isEven, SAMPLE_PIECE_BYTES) }
    }),
  )
  const costOf = ({ way, pieces }: (typeof tried)[number]): number =>
    lengthOf(pieces) * (isLight || isEven || way.level === QUICK.level ? 1 : SLOW)
  const best = tried.reduce((best, other) => (costOf(other) < costOf(best) ? other : best))
  const expected = Math.ceil((ROOM * lengthOf(best.pieces) * samples.data.length) / sample.data.length)
  const pieceBytes = Math.max(SAMPLE_PIECE_BYTES, expected)
  const pieces = isWhole ? best.pieces : await compress(samples, best.way, isEven, pieceBytes)
  return { bytes: await file(samples, pieces, facts), isExact: !isEven }
}

/** A PNG made quickly rather than small, and without loss. */
export async function encodeQuickPng(samples: Samples): Promise<Uint8Array> {
  const way = samples.width * samples.height >= LARGE_PIXELS ? RUNS : QUICK
  return file(samples, await compress(samples, way, false), { isSrgb: false })
}

function file(
  { width, height, channels }: Samples,
  pieces: readonly Uint8Array[],
  facts: PngFacts,
): Promise<Uint8Array> {
  return pngFile({ width, height, bits: 8, colourType: COLOUR_TYPES[channels] as number, ...facts }, pieces)
}

async function bandsOf(samples: Samples): Promise<Samples> {
  const { data, width, height, channels } = samples
  if (height <= SMALL) return samples
  const rowLength = width * channels
  const bandLength = BAND * rowLength
  const bytes = Math.max(SAMPLE_BYTES, data.length * SAMPLE_PART)
  const most = Math.max(2, Math.floor(bytes / bandLength))
  const period = Math.max(PERIOD, Math.ceil(height / most))
  const count = 1 + Math.floor((height - BAND) / period)
  const bands = new Uint8Array(count * bandLength)
  await inSlices(count, bandLength, (from, to) => {
    for (let band = from; band < to; band++) {
      const at = band * period * rowLength
      bands.set(data.subarray(at, at + bandLength), band * bandLength)
    }
  })
  return { data: bands, width, height: count * BAND, channels }
}

/** How many pixels equal the one before, of 1. */
async function repeatedPart({ data, width, height, channels }: Samples): Promise<number> {
  let repeated = 0
  await inSlices(height, width * channels, (from, to) => {
    for (let at = from * width * channels; at < to * width * channels; at += channels) {
      let channel = 0
      while (channel < channels && data[at + channel] === data[at + channel - channels]) channel++
      if (channel === channels) repeated++
    }
  })
  return repeated / (width * height)
}

const lengthOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0)

async function compress(
  { data, width, height, channels }: Samples,
  { isFiltered, isOwn = false, ...settings }: Way,
  isEven: boolean,
  pieceBytes = PIECE_BYTES,
): Promise<Uint8Array[]> {
  const length = width * channels
  const stride = VECTOR_BYTES + length + VECTOR_BYTES
  const rows = Math.min(height, Math.max(1, Math.floor((isOwn ? BATCH_BYTES : POOL_BATCH_BYTES) / length)))
  const results = (1 + rows) * stride
  const mask = results + rows * (length + 1) + VECTOR_BYTES
  const originals = mask + stride
  const free = isEven ? originals + (REACH + rows + REACH) * stride : mask
  const end = isOwn ? free + WORK_BYTES + 4 * rows * (length + 1) + HEAD_BYTES : free
  let pieces: Uint8Array[] = []
  await withKernel(end, async kernel => {
    const { loops, memory } = kernel
    const bytes = new Uint8Array(memory.buffer)
    const deflated = isOwn
      ? besideFilter(kernel, free)
      : height * length <= AT_ONCE_BYTES
        ? atOnce(settings)
        : inPool(settings, pieceBytes)
    bytes.fill(0, 0, results)
    const put = async (first: number, count: number, at: number): Promise<void> =>
      inSlices(count, length, (from, to) => {
        for (let y = from; y < to; y++) {
          const row = Math.min(height - 1, Math.max(0, first + y)) * length
          bytes.set(data.subarray(row, row + length), at + y * stride + VECTOR_BYTES)
        }
      })
    for (let from = 0; from < height; from += rows) {
      const count = Math.min(rows, height - from)
      if (isEven) {
        await put(from - REACH, REACH + count + REACH, originals)
        loops.even(originals + VECTOR_BYTES, stride, count, length, channels, mask, VECTOR_BYTES)
      } else await put(from, count, stride)
      if (isFiltered) loops.filter(VECTOR_BYTES, stride, count, length, channels, results)
      else {
        for (let y = 0; y < count; y++) {
          const [row, result] = [(1 + y) * stride + VECTOR_BYTES, results + y * (length + 1)]
          bytes[result] = 0
          bytes.copyWithin(result + 1, row, row + length)
        }
      }
      await deflated.write(bytes.subarray(results, results + count * (length + 1)), from + count === height)
      // The last row is the one above the next batch.
      bytes.copyWithin(0, count * stride, (count + 1) * stride)
    }
    pieces = await deflated.end()
  })
  return pieces
}

type Settings = Omit<Way, 'isFiltered' | 'isOwn'>

/** Deflates batches of rows that lie in memory which is used again afterwards. */
interface Deflated {
  write(batch: Uint8Array, isLast: boolean): Promise<void> | undefined
  end(): Promise<Uint8Array[]> | Uint8Array[]
}

function inPool(settings: Settings, pieceBytes: number): Deflated {
  const pieces: Uint8Array[] = []
  const stream = createDeflate({ ...settings, chunkSize: pieceBytes })
  const isDone = new Promise<void>((resolve, reject) => {
    stream
      .on('data', (piece: Uint8Array) => pieces.push(piece))
      .on('end', resolve)
      .on('error', reject)
  })
  // A write that fails tells the same, before anybody waits for the end.
  isDone.catch(() => undefined)
  return {
    write(batch, isLast) {
      // With the end at once: it would be another trip.
      if (isLast) stream.end(batch)
      return isLast
        ? isDone
        : new Promise((resolve, reject) => {
            stream.write(batch, error => (error ? reject(error) : resolve()))
          })
    },
    end: () => pieces,
  }
}

/** For a picture of one batch. */
function atOnce(settings: Settings): Deflated {
  const pieces: Uint8Array[] = []
  return {
    write(batch) {
      pieces.push(deflateSync(batch, settings))
      return undefined
    },
    end: () => pieces,
  }
}

/** What zlib writes before the first block: a window of 32 KB, and that little was searched (RFC 1950). */
const ZLIB_HEAD = [0x78, 0x01]
const ADLER_START = 1

/** For a picture of many batches, in the memory that they lie in. @param work where room begins for it */
function besideFilter({ loops, memory }: Kernel, work: number): Deflated {
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(0, work, work + WORK_BYTES)
  const output = work + WORK_BYTES
  const pieces: Uint8Array[] = [Uint8Array.from(ZLIB_HEAD)]
  let sum = ADLER_START
  return {
    write({ byteOffset, length }, isLast) {
      sum = loops.adler(sum, byteOffset, length)
      const written = loops.deflate(byteOffset, length, isLast ? 1 : 0, work, output)
      pieces.push(bytes.slice(output, output + written))
      return sliceTurn()
    },
    end() {
      const tail = Buffer.alloc(4)
      tail.writeInt32BE(sum)
      return [...pieces, tail]
    },
  }
}
