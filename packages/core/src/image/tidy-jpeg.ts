/*
 * Decoders warn of some JPEG files that every viewer shows as they are meant, and a warning can't be let pass by its name:
 * the next one in the same file may mean grey areas. So what the harmless ones are about is put right in a copy, which
 * is then decoded as strictly as any file. Markers and their parameters: ITU-T T.81 annex B; JFIF 1.02; Adobe TN 5116.
 */

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const APP0 = 0xe0
const APP14 = 0xee

/** A marker with its segment, from the 0xff on. */
interface Segment {
  readonly marker: number
  readonly bytes: Uint8Array
}

/**
 * The same picture without stray bytes between its segments, with a version of JFIF and a colour transform of Adobe that
 * exist, with the parameters that a baseline scan must have, and without zeros behind the last scan.
 *
 * @returns undefined for what is no JPEG, or has none of these
 */
export function tidyJpeg(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined
  const segments: Segment[] = []
  let at = 2
  while (at + 4 <= bytes.length) {
    // Anything before a marker is skipped, as decoders do.
    if (bytes[at] !== 0xff || bytes[at + 1] === 0xff || bytes[at + 1] === 0) {
      at++
      continue
    }
    const marker = bytes[at + 1] ?? 0
    const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    const end = at + 2 + length
    if (length < 2 || end > bytes.length || marker === EOI) return undefined
    segments.push({ marker, bytes: new Uint8Array(bytes.subarray(at, end)) })
    at = end
    if (marker === SOS) break
  }
  const frame = segments.find(({ marker }) => isFrame(marker))
  if (frame === undefined || segments.at(-1)?.marker !== SOS) return undefined
  for (const segment of segments) mend(segment, frame)
  const tidied = Buffer.concat([
    bytes.subarray(0, 2),
    ...segments.map(segment => segment.bytes),
    withoutZerosBeforeEnd(bytes.subarray(at)),
  ])
  return tidied.equals(bytes) ? undefined : tidied
}

/** SOF0 to SOF15, without the tables and the arithmetic conditioning that have numbers among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

function mend({ marker, bytes }: Segment, frame: Segment): void {
  const name = Buffer.from(bytes.subarray(4, 9)).toString('latin1')
  // The major version; what is compatible with 1 says 1.
  if (marker === APP0 && name === 'JFIF\0' && bytes.length > 10 && bytes[9] !== 1) bytes[9] = 1
  const transform = 15
  if (marker === APP14 && name === 'Adobe' && (bytes[transform] ?? 0) > 2) {
    // Decoders take an unknown transform for the usual one of that number of channels.
    bytes[transform] = frame.bytes[9] === 4 ? 2 : 1
  }
  const isSequential = frame.marker === 0xc0 || frame.marker === 0xc1
  // Start and end of the spectrum, and the approximation: all of it at once in a sequential scan.
  if (marker === SOS && isSequential) bytes.set([0, 63, 0], bytes.length - 3)
}

/** Some cameras fill the file up. */
function withoutZerosBeforeEnd(scan: Uint8Array): Uint8Array {
  const end = scan.length - 2
  if (scan[end] !== 0xff || scan[end + 1] !== EOI) return scan
  let last = end
  while (last > 0 && scan[last - 1] === 0) last--
  // A zero behind 0xff is part of the data.
  if (scan[last - 1] === 0xff) last++
  return last >= end ? scan : Buffer.concat([scan.subarray(0, last), scan.subarray(end)])
}
