import type { Sharp } from 'sharp'
import { evenOut } from './flat-art.ts'
import { encodeIndexedPng } from './indexed-png.ts'
import type { Samples } from './interleave.ts'

/** Rows in a band of the sample, and how many rows lie from one band to the next. */
const BAND = 8
const PERIOD = 64
/** Pictures that are not higher are their own sample. */
const SMALL = 64

/**
 * A small PNG. Flat art is evened out within one level; what has 256 colours or fewer gets a palette. Row filters
 * make photographs a quarter smaller and some drawings a tenth larger: an eighth of the rows tells which.
 *
 * @param open hands samples to the encoder
 */
export async function encodeSmallPng(
  samples: Samples,
  open: (samples: Samples) => Promise<Sharp>,
): Promise<Uint8Array> {
  const even = await evenOut(samples)
  const indexed = even.channels >= 3 ? await encodeIndexedPng(even) : undefined
  if (indexed !== undefined) return indexed
  const write = async (rows: Samples, adaptiveFiltering: boolean): Promise<Uint8Array> =>
    (await open(rows)).png({ compressionLevel: 7, adaptiveFiltering }).toBuffer()
  const sample = bandsOf(even)
  const [filtered, plain] = await Promise.all([write(sample, true), write(sample, false)])
  const isFiltered = filtered.length <= plain.length
  if (sample === even) return isFiltered ? filtered : plain
  return write(even, isFiltered)
}

function bandsOf(samples: Samples): Samples {
  const { data, width, height, channels } = samples
  if (height <= SMALL) return samples
  const rowLength = width * channels
  const bands: Uint8Array[] = []
  for (let y = 0; y + BAND <= height; y += PERIOD)
    bands.push(data.subarray(y * rowLength, (y + BAND) * rowLength))
  return { data: Buffer.concat(bands), width, height: bands.length * BAND, channels }
}
