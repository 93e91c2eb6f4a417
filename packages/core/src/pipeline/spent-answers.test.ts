import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { PixelAnswer, PixelEngine } from '../engines/engine.ts'
import { resize } from '../engines/resize.ts'
import type { UpscaleRequest } from '../request/directive.ts'
import { createUpscaler } from '../upscaler.ts'

/** Memory that was given back holds this, and nothing else, until it is taken. */
const POISON = 0xa5

const memory = vi.hoisted(() => ({ isUsedAgain: false, spare: [] as Uint8Array[], reused: 0 }))

// What is given back is overwritten at once, and is what the next picture gets, if it is only large enough: whoever still reads
// it or writes into it makes another file than with memory of its own.
vi.mock('../image/spare-samples.ts', () => ({
  takeSamples(length: number) {
    const at = memory.spare.findIndex(samples => samples.length >= length)
    if (!memory.isUsedAgain || at === -1) return new Uint8Array(length)
    const [samples = new Uint8Array()] = memory.spare.splice(at, 1)
    if (Buffer.compare(samples, new Uint8Array(samples.length).fill(POISON)) !== 0)
      throw new Error('somebody wrote into memory that was given back')
    memory.reused++
    return samples.subarray(0, length)
  },
  giveBackSamples(samples: Uint8Array) {
    if (!memory.isUsedAgain) return
    const overlaps = (other: Uint8Array): boolean =>
      other.buffer === samples.buffer &&
      other.byteOffset < samples.byteOffset + samples.length &&
      samples.byteOffset < other.byteOffset + other.length
    if (memory.spare.some(overlaps)) throw new Error('memory was given back twice')
    samples.fill(POISON)
    memory.spare.push(samples)
  },
}))

/** Of each way that samples take: with and without alpha, grey, few colours, large and small, every format. */
const SHAPES: readonly [channels: 1 | 2 | 3 | 4, width: number, height: number][] = [
  [3, 160, 120],
  [4, 160, 120],
  [1, 130, 90],
  [2, 90, 70],
  [3, 20, 12],
  [4, 33, 17],
  [3, 750, 360],
]
const REQUESTS: readonly Partial<UpscaleRequest>[] = [
  { factor: 2 },
  { factor: 1.5, format: 'webp' },
  { factor: 1.25, format: 'gif' },
]

async function draw(root: string): Promise<string[]> {
  return Promise.all(
    SHAPES.map(async ([channels, width, height], number) => {
      const data = new Uint8Array(width * height * channels)
      for (let at = 0; at < data.length; at++) {
        const pixel = Math.floor(at / channels)
        const [x, y] = [pixel % width, Math.floor(pixel / width)]
        data[at] = (x * 3 + y * 2 + (at % channels) * 40 + ((x * y) % 7) * number) & 255
      }
      const name = `${number}.png`
      await writeFile(
        join(root, name),
        await sharp(data, { raw: { width, height, channels } }).png().toBuffer(),
      )
      return name
    }),
  )
}

/** The bytes of all files, made at the same time. */
async function makeAll(engine: PixelEngine | 'resize'): Promise<Buffer[]> {
  const root = await mkdtemp(join(tmpdir(), 'upscale-spent-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const names = await draw(root)
  const upscaler = createUpscaler({ engine }, { root, env: {} })
  const wanted = names.flatMap(name => REQUESTS.map(request => [name, request] as const))
  const made = await Promise.all(wanted.map(([name, request]) => upscaler.upscale(name, request)))
  await upscaler.close()
  return made.map(({ file }) => readFileSync(file))
}

test('nobody looks at samples that were given back, nor writes into them', async () => {
  memory.isUsedAgain = false
  const expected = await makeAll('resize')
  memory.isUsedAgain = true
  const files = await makeAll('resize')
  expect(memory.reused).toBeGreaterThan(SHAPES.length)
  for (const [index, file] of files.entries()) expect(Buffer.compare(file, expected[index] as Buffer)).toBe(0)
})

test('an engine of the user that is made from another keeps its answers', async () => {
  memory.isUsedAgain = true
  const kept: { answer: PixelAnswer; samples: Uint8Array }[] = []
  const own: PixelEngine = {
    ...resize,
    id: 'own',
    async upscale(request, context) {
      const answer = await resize.upscale(request, context)
      kept.push({ answer, samples: Uint8Array.from(answer.data) })
      return answer
    },
  }
  await makeAll(own)
  for (const { answer, samples } of kept) expect(Buffer.compare(answer.data, samples)).toBe(0)
})
