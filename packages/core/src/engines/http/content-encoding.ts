import { promisify } from 'node:util'
import * as zlib from 'node:zlib'

/** How a body may be packed (RFC 9110, 8.4.1). Zstandard is in later versions of Node. */
const UNPACK: Readonly<Record<string, Unpack | undefined>> = {
  gzip: promisify(zlib.gunzip),
  'x-gzip': promisify(zlib.gunzip),
  deflate: promisify(zlib.inflate),
  br: promisify(zlib.brotliDecompress),
  ...('zstdDecompress' in zlib && typeof zlib.zstdDecompress === 'function'
    ? { zstd: promisify(zlib.zstdDecompress as typeof zlib.gunzip) }
    : {}),
}

type Unpack = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Buffer>

/** A proxy may lose the header that says so. Nothing else that is an answer begins like this (RFC 1952, 2.3). */
function isGzip(body: Buffer): boolean {
  return body[0] === 0x1f && body[1] === 0x8b
}

/**
 * The body of a response as its service meant it. Every request asks for none of this, but what stands between may pack
 * all the same, and the answer to an order has been paid for. A body that can't be unpacked, or only to more than
 * `maxBytes`, stays as it came: who reads it will find no sense in it, and keeps it.
 */
export async function unpacked(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  maxBytes: number,
): Promise<Buffer> {
  const named = headers['content-encoding'] ?? (isGzip(body) ? 'gzip' : '')
  let bytes = body
  try {
    for (const name of named.toLowerCase().split(',').reverse()) {
      const unpack = UNPACK[name.trim()]
      if (unpack !== undefined) bytes = await unpack(bytes, { maxOutputLength: maxBytes })
    }
    return bytes
  } catch {
    return body
  }
}
