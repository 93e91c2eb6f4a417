import type { PixelImage } from 'upscale-core'
import { inSlices, sliceTurn } from 'upscale-core/internal'
import { inLanes } from './lanes.ts'
import type { Pool } from './pool.ts'
import { BLOCK, FACTS } from './survey.mjs'

/*
 * A picture's blocks and what was counted in them. A large picture has a million of them, so that loops over blocks go in
 * slices, and make no object for each.
 */

/** Blocks from left to right and from top to bottom. */
export interface Grid {
  readonly columns: number
  readonly rows: number
}

export interface Blocks extends Grid {
  /** Of each block the numbers that survey.mjs says. */
  readonly facts: Int32Array
}

export interface Block {
  readonly pairs: number
  readonly equal: number
  readonly edges: number
  readonly colours: number
  /** Pixels of the commonest colour. */
  readonly same: number
  readonly specks: number
}

/** Of a strip, which one thread counts at once. */
const STRIP_BYTES = 1 << 20

export interface Work {
  readonly signal: AbortSignal
  readonly threads: number
}

/** Has the blocks counted. @throws the signal's reason */
export async function survey(image: PixelImage, pool: Pool, work: Work): Promise<Blocks> {
  const { data, width, height, channels } = image
  const columns = Math.ceil(width / BLOCK)
  const rows = Math.ceil(height / BLOCK)
  const facts = new Int32Array(columns * rows * FACTS)
  const rowBytes = width * channels
  const stripRows = BLOCK * Math.max(1, Math.floor(STRIP_BYTES / (BLOCK * rowBytes)))
  const tops = Array.from({ length: Math.ceil(height / stripRows) }, (_, strip) => strip * stripRows)
  await inLanes(tops, work, async (top, signal) => {
    const turn = sliceTurn()
    if (turn !== undefined) await turn
    const bottom = Math.min(height, top + stripRows)
    const strip = new Uint8Array(data.subarray(top * rowBytes, bottom * rowBytes))
    const task = { kind: 'survey', data: strip, width, height: bottom - top, channels } as const
    facts.set(await pool.run(task, signal), (top / BLOCK) * columns * FACTS)
  })
  return { facts, columns, rows }
}

/** Calls `use` for each block. What it is given holds until it returns. */
export async function eachBlock(
  { facts, columns, rows }: Blocks,
  use: (block: Block, index: number) => void,
): Promise<void> {
  const block = { pairs: 0, equal: 0, edges: 0, colours: 0, same: 0, specks: 0 }
  await inSlices(rows, columns, (from, to) => {
    for (let index = from * columns; index < to * columns; index++) {
      const at = index * FACTS
      block.pairs = facts[at] as number
      block.equal = facts[at + 1] as number
      block.edges = facts[at + 2] as number
      block.colours = facts[at + 3] as number
      block.same = facts[at + 4] as number
      block.specks = facts[at + 5] as number
      use(block, index)
    }
  })
}

/**
 * Weighted sums over the squares around each block; beyond the picture there is nothing.
 *
 * @param taps weights along either axis, an odd number of them
 */
export async function sumsAround(
  values: Int32Array,
  grid: Grid,
  taps: readonly number[],
): Promise<Int32Array> {
  const across = await sumsAlong(values, grid, taps, 'row')
  return sumsAlong(across, grid, taps, 'column')
}

async function sumsAlong(
  values: Int32Array,
  { columns, rows }: Grid,
  taps: readonly number[],
  axis: 'row' | 'column',
): Promise<Int32Array> {
  const reach = taps.length >> 1
  const [stride, length] = axis === 'row' ? [1, columns] : [columns, rows]
  const sums = new Int32Array(values.length)
  await inSlices(rows, columns, (from, to) => {
    for (let y = from, index = from * columns; y < to; y++) {
      for (let x = 0; x < columns; x++, index++) {
        const place = axis === 'row' ? x : y
        const last = Math.min(reach, length - 1 - place)
        let sum = 0
        for (let step = Math.max(-reach, -place); step <= last; step++) {
          sum += (taps[reach + step] as number) * (values[index + step * stride] as number)
        }
        sums[index] = sum
      }
    }
  })
  return sums
}
