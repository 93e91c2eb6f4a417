import { joinPieces } from '../source/pieces.ts'
import { inSlices } from './slices.ts'

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

/** Start and end of the spectrum, and the approximation: all of it at once in a sequential scan. */
const SEQUENTIAL = Buffer.of(0, 63, 0)

/** Where Adobe's segment has the colour transform. */
const TRANSFORM = 15

/** What is put right in more places than these was made to be so. */
const MOST_PLACES = 1000

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
export async function tidyJpeg(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined
  const head = await tidyHead(bytes)
  if (head === undefined) return undefined
  const scan = await withoutZerosBeforeEnd(bytes.subarray(head.end))
  return head.isTidy && scan.length === 1 ? undefined : joinPieces([...head.parts, ...scan])
}

interface Head {
  readonly parts: readonly Uint8Array[]
  readonly isTidy: boolean
  /** Where the data of the first scan begin. */
  readonly end: number
}

/** What stands before the data of the first scan, put right; undefined where that is not what a JPEG has there. */
async function tidyHead(bytes: Uint8Array): Promise<Head | undefined> {
  const parts: Uint8Array[] = []
  const mended: Segment[] = []
  let frame: Segment | undefined
  let at = 2
  /** What is kept as it is begins here. */
  let from = 0
  let marker = 0

  function cut(): void {
    if (from < at) parts.push(bytes.subarray(from, at))
  }

  /** Goes over one segment, or one byte that belongs to none. False where there can be no further one. */
  function step(): boolean {
    if (at + 4 > bytes.length || marker === SOS || parts.length > MOST_PLACES) return false
    // Anything before a marker is skipped, as decoders do.
    if (bytes[at] !== 0xff || bytes[at + 1] === 0xff || bytes[at + 1] === 0) {
      cut()
      from = ++at
      return true
    }
    const end = at + 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
    if (end < at + 4 || end > bytes.length || bytes[at + 1] === EOI) return false
    marker = bytes[at + 1] ?? 0
    const segment = { marker, bytes: bytes.subarray(at, end) }
    if (isFrame(marker)) frame ??= segment
    if (isWrong(segment, frame)) {
      cut()
      mended.push({ marker, bytes: new Uint8Array(segment.bytes) })
      parts.push((mended.at(-1) as Segment).bytes)
      from = end
    }
    at = end
    return true
  }

  await inSlices(bytes.length, 1, (_, to) => {
    while (at < to && step());
  })
  if (frame === undefined || marker !== SOS || parts.length > MOST_PLACES) return undefined
  const isTidy = parts.length === 0
  cut()
  for (const segment of mended) mend(segment, frame)
  return { parts, isTidy, end: at }
}

/** SOF0 to SOF15, without the tables and the arithmetic conditioning that have numbers among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

function isWrong({ marker, bytes }: Segment, frame: Segment | undefined): boolean {
  // The major version; what is compatible with 1 says 1.
  if (marker === APP0) return bytes.length > 10 && hasName(bytes, 'JFIF\0') && bytes[9] !== 1
  if (marker === APP14) return hasName(bytes, 'Adobe') && (bytes[TRANSFORM] ?? 0) > 2
  const isSequential = frame?.marker === 0xc0 || frame?.marker === 0xc1
  return marker === SOS && isSequential && !SEQUENTIAL.equals(bytes.subarray(-SEQUENTIAL.length))
}

function hasName(segment: Uint8Array, name: string): boolean {
  return Buffer.from(segment.subarray(4, 9)).toString('latin1') === name
}

function mend({ marker, bytes }: Segment, frame: Segment): void {
  if (marker === APP0) bytes[9] = 1
  // Decoders take an unknown transform for the usual one of that number of channels.
  if (marker === APP14) bytes[TRANSFORM] = frame.bytes[9] === 4 ? 2 : 1
  if (marker === SOS) bytes.set(SEQUENTIAL, bytes.length - SEQUENTIAL.length)
}

/** Some cameras fill the file up. The data in one part, or without those in two. */
async function withoutZerosBeforeEnd(scan: Uint8Array): Promise<Uint8Array[]> {
  const end = scan.length - 2
  if (scan[end] !== 0xff || scan[end + 1] !== EOI) return [scan]
  let last = end
  await inSlices(end, 1, (_, to) => {
    while (last > end - to && scan[last - 1] === 0) last--
  })
  // A zero behind 0xff is part of the data.
  if (scan[last - 1] === 0xff) last++
  return last >= end ? [scan] : [scan.subarray(0, last), scan.subarray(end)]
}
