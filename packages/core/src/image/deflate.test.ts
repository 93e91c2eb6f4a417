import { inflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { withKernel } from './kernel.ts'

const WORK_BYTES = 10240
const INPUT = 16384

/** Deflates by assembly/deflate.ts, in blocks of so many bytes. */
function deflate(bytes: Uint8Array, block: number): Promise<Buffer> {
  const output = INPUT + block
  return withKernel(output + 4 * block + 1024, async ({ loops, memory }) => {
    const room = new Uint8Array(memory.buffer)
    room.fill(0, 0, WORK_BYTES)
    const pieces: Uint8Array[] = [Buffer.of(0x78, 0x01)]
    let sum = 1
    for (let from = 0; from < bytes.length; from += block) {
      const part = bytes.subarray(from, from + block)
      room.set(part, INPUT)
      sum = loops.adler(sum, INPUT, part.length)
      const isLast = from + block >= bytes.length ? 1 : 0
      const written = loops.deflate(INPUT, part.length, isLast, 0, output)
      expect(written).toBeLessThan(2 * part.length + 1024)
      pieces.push(room.slice(output, output + written))
    }
    const tail = Buffer.alloc(4)
    tail.writeInt32BE(sum)
    return Buffer.concat([...pieces, tail])
  })
}

let seed = 1
/** From 0 to 1, the same in every run. */
function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** Few or many values, some far more frequent than others, some in runs. */
function sample(): Uint8Array {
  const bytes = new Uint8Array(1 + Math.floor(random() ** 3 * 60_000))
  const values = 1 + Math.floor(random() * 256)
  const longest = 1 + Math.floor(random() ** 2 * 600)
  for (let at = 0; at < bytes.length; ) {
    const to = at + (random() < 0.3 ? longest : 1)
    bytes.fill(Math.floor(values * random() ** (1 + 6 * random())), at, to)
    at = to
  }
  return bytes
}

/** Of these counts a code without a limit would have 22 bits. */
function fibonacci(): Uint8Array {
  const bytes: number[] = []
  for (let value = 0, count = 1, next = 1; value < 23; value++) {
    for (let time = 0; time < count; time++) bytes.push(value, time % 2 === 0 ? 100 + value : 200)
    const sum = count + next
    count = next
    next = sum
  }
  return Uint8Array.from(bytes)
}

it.each([
  ['a byte', [Uint8Array.of(1)]],
  [
    'few bytes',
    [Uint8Array.of(0, 0, 0, 0, 0), Uint8Array.of(1, 2, 3), new Uint8Array(300), new Uint8Array(70_000)],
  ],
  ['every byte once', [Uint8Array.from({ length: 256 }, (_, at) => at)]],
  ['codes that are too long', [fibonacci()]],
  ['samples of all kinds', Array.from({ length: 150 }, sample)],
])('what was deflated is inflated to the same: %s', async (_name, all) => {
  for (const bytes of all) {
    for (const block of [1000, 131_072])
      expect(Buffer.compare(inflateSync(await deflate(bytes, block)), bytes)).toBe(0)
  }
})
