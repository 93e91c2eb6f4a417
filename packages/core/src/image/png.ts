import type { Sharp } from 'sharp'
import { encodeIndexedPng } from './indexed-png.ts'
import type { Samples } from './interleave.ts'

/** Rows in a band of the sample, and how many rows lie from one band to the next. */
const BAND = 8
const PERIOD = 64
/** Pictures that are not higher are their own sample. */
const SMALL = 64

/**
 * A small PNG. What has 256 colours or fewer gets a palette. Row filters make photographs a quarter smaller and some
 * drawings a tenth larger: an eighth of the rows tells which.
 *
 * @param open hands samples to the encoder
 */
export async function encodeSmallPng(
  samples: Samples,
  open: (samples: Samples) => Promise<Sharp>,
): Promise<Uint8Array> {
  const indexed = samples.channels >= 3 ? await encodeIndexedPng(samples) : undefined
  if (indexed !== undefined) return indexed
  const write = async (rows: Samples, adaptiveFiltering: boolean): Promise<Uint8Array> =>
    (await open(rows)).png({ compressionLevel: 7, adaptiveFiltering }).toBuffer()
  const sample = bandsOf(samples)
  const [filtered, plain] = await Promise.all([write(sample, true), write(sample, false)])
  const isFiltered = filtered.length <= plain.length
  if (sample === samples) return isFiltered ? filtered : plain
  return write(samples, isFiltered)
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
