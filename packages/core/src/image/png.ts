import type { Sharp } from 'sharp'
import { encodeIndexedPng } from './indexed-png.ts'
import type { Samples } from './interleave.ts'

/** Rows in a band of the sample, and how many rows lie from one band to the next. */
const BAND = 8
const PERIOD = 64
/** Pictures that are not higher are their own sample. */
const SMALL = 64
/** Of zlib. The next steps make filtered pictures 1 and 2 % smaller for a third and for all of the time again. */
const LEVEL = 4
/** Enough to tell what filters do to a sample. */
const SAMPLE_LEVEL = 2

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
  const write = async (
    rows: Samples,
    adaptiveFiltering: boolean,
    compressionLevel: number,
  ): Promise<Uint8Array> => (await open(rows)).png({ compressionLevel, adaptiveFiltering }).toBuffer()
  const sample = bandsOf(samples)
  const level = sample === samples ? LEVEL : SAMPLE_LEVEL
  const [filtered, plain] = await Promise.all([write(sample, true, level), write(sample, false, level)])
  const isFiltered = filtered.length <= plain.length
  if (sample === samples) return isFiltered ? filtered : plain
  return write(samples, isFiltered, LEVEL)
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
