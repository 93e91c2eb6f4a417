/**
 * Which networks a picture gets, by what is in it and by nothing else: so the pixels, which the cache's key names, settle
 * the result.
 *
 * A picture that compression or noise has damaged gets `compressed` as a whole. Any other is looked at block by block:
 * where neighbours are mostly of one colour, or colours are few, somebody drew it; where hardly two neighbours agree, it
 * is a photograph. Where both are in one picture, each gets its part, with a soft border between.
 */
import type { PixelImage } from 'upscale-core'
import { FULL, type Mix } from './mix.mjs'
import type { Pool } from './pool.ts'
import { BLOCK, FACTS } from './survey.mjs'
import { cutTile } from './tiles.ts'
import type { Expert } from './weights.ts'

export interface Choice {
  readonly base: Expert
  readonly over?: { readonly expert: Expert; readonly mix: Mix }
}

/** Counts the changes of what is chosen: here, in survey.mjs, damage.mjs and mix.mjs. */
export const CHOOSER_REVISION = 1

/** Rows that one thread counts at once; a multiple of BLOCK. */
const STRIP_ROWS = 512
const MOST_PATCHES = 256

/** What of damage.mjs's findings counts as damage; how they come out for pictures known is in RUNTIME.md. */
const DAMAGED = { step: 2, noise: 160, halved: 75, specks: 10 }
/** A block with at least so many edges shows specks if there are any. */
const EDGY = 12
const LEAST_EDGY_BLOCKS = 8

/** Per cent of a block's pairs that are of one colour: a photograph has less, a drawing more. */
const PHOTO_EQUAL = 30
const DRAWN_EQUAL = 45
/** Colours in a block of 256 pixels: a drawing has less than the first, a photograph more. */
const DRAWN_COLOURS = 16
const PHOTO_COLOURS = 32
/** A block's neighbours vote with it, this far around. */
const VOTERS = 2
/** Per cent of the blocks that must be of the lesser kind, or it is taken for a mistake. */
const LEAST_SHARE = 2

/** @throws the signal's reason */
export async function choose(image: PixelImage, pool: Pool, signal: AbortSignal): Promise<Choice> {
  const blocks = await survey(image, pool, signal)
  if (await isDamaged(image, blocks, pool, signal)) return { base: 'compressed' }
  const mix = photographicParts(blocks)
  const share = mix.weights.reduce((sum, weight) => sum + weight, 0) / (FULL * mix.weights.length)
  if (share * 100 < LEAST_SHARE) return { base: 'design' }
  if (share * 100 > 100 - LEAST_SHARE) return { base: 'photo' }
  return { base: 'design', over: { expert: 'photo', mix } }
}

interface Blocks {
  readonly facts: Int32Array
  readonly columns: number
  readonly rows: number
}

interface Block {
  readonly pairs: number
  readonly equal: number
  readonly edges: number
  readonly colours: number
  readonly specks: number
}

async function survey(image: PixelImage, pool: Pool, signal: AbortSignal): Promise<Blocks> {
  const { width, height, channels } = image
  const strips = []
  for (let top = 0; top < height; top += STRIP_ROWS) {
    const strip = { left: 0, top, width, height: Math.min(STRIP_ROWS, height - top) }
    const data = cutTile(image, strip, 0)
    strips.push(pool.run({ kind: 'survey', data, width, height: strip.height, channels }, signal))
  }
  const counted = await Promise.all(strips)
  const columns = Math.ceil(width / BLOCK)
  const rows = Math.ceil(height / BLOCK)
  const facts = new Int32Array(columns * rows * FACTS)
  let at = 0
  for (const strip of counted) {
    facts.set(strip, at)
    at += strip.length
  }
  return { facts, columns, rows }
}

function blockAt({ facts }: Blocks, index: number): Block {
  const [pairs = 0, equal = 0, edges = 0, colours = 0, , specks = 0] = facts.subarray(
    index * FACTS,
    (index + 1) * FACTS,
  )
  return { pairs, equal, edges, colours, specks }
}

async function isDamaged(
  image: PixelImage,
  blocks: Blocks,
  pool: Pool,
  signal: AbortSignal,
): Promise<boolean> {
  const { channels } = image
  const patches = cutPatches(image, blocks)
  if (patches.length === 0) return false
  const { step, noise, halved } = await pool.run({ kind: 'damage', patches, channels }, signal)
  if (step >= DAMAGED.step || noise >= DAMAGED.noise) return true
  return halved <= DAMAGED.halved && specksOf(blocks) >= DAMAGED.specks
}

/** Whole blocks with something in them, evenly spread over the picture. */
function cutPatches(image: PixelImage, blocks: Blocks): Uint8Array<ArrayBuffer> {
  const { columns, rows } = blocks
  const places: { left: number; top: number }[] = []
  for (let index = 0; index < columns * rows; index++) {
    const left = (index % columns) * BLOCK
    const top = Math.floor(index / columns) * BLOCK
    if (left + BLOCK > image.width || top + BLOCK > image.height) continue
    if (blockAt(blocks, index).colours >= PATCH_COLOURS) places.push({ left, top })
  }
  const count = Math.min(MOST_PATCHES, places.length)
  const size = BLOCK * BLOCK * image.channels
  const patches = new Uint8Array(count * size)
  for (let i = 0; i < count; i++) {
    const place = places[Math.floor((i * places.length) / count)]
    if (place !== undefined)
      patches.set(cutTile(image, { ...place, width: BLOCK, height: BLOCK }, 0), i * size)
  }
  return patches
}

/** Fewer colours tell nothing of noise or of a grid. */
const PATCH_COLOURS = 8

/** Median of the specks in blocks with edges: some 2 in a clean drawing, 60 in one that was a JPEG. */
function specksOf(blocks: Blocks): number {
  const specks: number[] = []
  for (let index = 0; index < blocks.columns * blocks.rows; index++) {
    const block = blockAt(blocks, index)
    if (block.edges >= EDGY) specks.push(block.specks)
  }
  specks.sort((a, b) => a - b)
  return specks.length < LEAST_EDGY_BLOCKS ? 0 : (specks[specks.length >> 1] ?? 0)
}

/** The blocks that are photographs, by a vote among neighbours, with soft borders. */
function photographicParts(blocks: Blocks): Mix {
  const { columns, rows } = blocks
  const votes = new Int32Array(columns * rows).map((_, index) => voteOf(blockAt(blocks, index)))
  const counted = around(votes, columns, rows, VOTERS, () => 1)
  const kinds = counted.map(sum => (sum > 0 ? 1 : 0))
  const soft = around(kinds, columns, rows, 1, (dx, dy) => (2 - Math.abs(dx)) * (2 - Math.abs(dy)))
  // Of a border's 16 parts to FULL; at the picture's edge some are missing.
  const whole = around(kinds.fill(1), columns, rows, 1, (dx, dy) => (2 - Math.abs(dx)) * (2 - Math.abs(dy)))
  const weights = Uint8Array.from(soft, (sum, index) => Math.floor((sum * FULL) / (whole[index] ?? 1)))
  return { weights, columns, rows }
}

/** Above 0 for a photograph, below for a drawing; 0 where a block is too smooth to tell, or for both. */
function voteOf({ pairs, equal, colours }: Block): number {
  const share = 100 * equal
  if (share >= DRAWN_EQUAL * pairs || colours <= DRAWN_COLOURS) return colours <= 2 ? 0 : -1
  return share <= PHOTO_EQUAL * pairs && colours >= PHOTO_COLOURS ? 1 : 0
}

/** Weighted sums over the squares around each block. */
function around(
  values: Int32Array,
  columns: number,
  rows: number,
  reach: number,
  weight: (dx: number, dy: number) => number,
): Int32Array {
  return values.map((_, index) => {
    const [x, y] = [index % columns, Math.floor(index / columns)]
    let sum = 0
    for (let dy = Math.max(-reach, -y); dy <= Math.min(reach, rows - 1 - y); dy++) {
      for (let dx = Math.max(-reach, -x); dx <= Math.min(reach, columns - 1 - x); dx++) {
        sum += weight(dx, dy) * (values[index + dy * columns + dx] ?? 0)
      }
    }
    return sum
  })
}
