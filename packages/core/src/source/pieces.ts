import { createHash, hash } from 'node:crypto'
import { read } from 'node:fs'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { nextRound } from '../event-loop.ts'

/*
 * Large files are read, hashed and joined a piece at a time, and the event loop goes round between two pieces: a server
 * answers others meanwhile. Other threads are not asked to hash, since what is handed to them is copied here first, which
 * takes longer than hashing it.
 */

/** What has no more bytes is read and hashed at once: a build with a thousand cached pictures waits for none of them. */
export const SMALL_BYTES: number = 1024 * 1024

/** Bytes of a piece: less than a millisecond's work, also where several are on their way. */
export const PIECE_BYTES: number = 256 * 1024

/** Each holds a descriptor and at least a piece. */
const READ_AT_A_TIME = 4

const turns = pLimit(READ_AT_A_TIME)
const readAsync = promisify(read)

/** Calls `work` with the bytes of some parts, piece by piece, and the index of a piece's first byte among all of them. */
export async function inPieces(
  parts: readonly Uint8Array[],
  work: (piece: Uint8Array, at: number) => void,
): Promise<void> {
  let at = 0
  let inThisRound = 0
  for (const part of parts) {
    for (let from = 0; from < part.length; from += PIECE_BYTES) {
      if (inThisRound >= PIECE_BYTES) {
        await nextRound()
        inThisRound = 0
      }
      const piece = part.subarray(from, from + PIECE_BYTES)
      work(piece, at)
      at += piece.length
      inThisRound += piece.length
    }
  }
}

/** SHA-256, hex. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SMALL_BYTES) return hash('sha256', bytes, 'hex')
  const digest = createHash('sha256')
  await inPieces([bytes], piece => digest.update(piece))
  return digest.digest('hex')
}

/** All bytes in one, which belongs to the caller alone. */
export async function joinPieces(parts: readonly Uint8Array[]): Promise<Buffer> {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0))
  await inPieces(parts, (piece, at) => joined.set(piece, at))
  return joined
}

/** Opens, reads and closes a large file when few others are being read. */
export function inTurn<T>(readFile: () => Promise<T>): Promise<T> {
  return turns(readFile)
}

/** What was read of a file. */
export interface ReadFile {
  /** Fewer than were asked for when the file ended. */
  readonly length: number
  /** SHA-256 of all that was read, hex. */
  readonly digest: string
  /** The first piece. */
  readonly head: Uint8Array
}

/**
 * Reads a large file from its start. To be called {@link inTurn}.
 *
 * @param size how many bytes
 * @param into takes them; without it they are only hashed, and no more than two pieces are in memory
 * @throws the system's error
 */
export async function readInPieces(descriptor: number, size: number, into?: Buffer): Promise<ReadFile> {
  const digest = createHash('sha256')
  const head = into?.subarray(0, PIECE_BYTES) ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
  const page = Buffer.allocUnsafeSlow(into === undefined ? PIECE_BYTES : 0)
  let length = 0
  for (let isWhole = true; isWhole && length < size; ) {
    const most = Math.min(PIECE_BYTES, size - length)
    const piece = length === 0 ? head : (into?.subarray(length) ?? page)
    const got = await fill(descriptor, piece.subarray(0, most), length)
    digest.update(piece.subarray(0, got))
    length += got
    isWhole = got === most
  }
  return { length, digest: digest.digest('hex'), head: head.subarray(0, length) }
}

/** Reads until a piece is full or the file ends. Returns how many bytes there were. */
async function fill(descriptor: number, piece: Uint8Array, position: number): Promise<number> {
  let length = 0
  while (length < piece.length) {
    const { bytesRead } = await readAsync(descriptor, piece, length, piece.length - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}
