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
export const CHOOSER_REVISION = 2

/** Rows that one thread counts at once; a multiple of BLOCK. */
const STRIP_ROWS = 512
const MOST_PATCHES = 256

/**
 * From where on a picture is better off with `compressed`, by measurements with these weights. A photograph stands more
 * than a drawing, in which the specks around each letter would be sharpened.
 */
const PHOTO_DAMAGE = { step: 5, noise: 190 }
const DRAWING_DAMAGE = { step: 2, noise: 150, halved: 60, specks: 16 }
/**
 * A drawing with so many specks was compressed even if nothing else says so. The overshoot of a reduction leaves 20 to 65
 * in a drawing without patterns.
 */
const MANY_SPECKS = 90
/** A drawing has many edges, and nearly one colour on a side of them even after it was compressed. */
const EDGY = 12
const EDGY_SHARE = 10
const GROUND_PIXELS = 90
/** Of an edgy block, pixels of the very same colour: what is left of a drawing's ground. */
const SAME_PIXELS = 48
const SAME_SHARE = 20

/** Per cent of a block's pairs that are of one colour: a photograph has less, a drawing more. */
const PHOTO_EQUAL = 30
const DRAWN_EQUAL = 45
/** Colours in a block of 256 pixels: a drawing has less than the first, a photograph more. */
const DRAWN_COLOURS = 16
const PHOTO_COLOURS = 32
/** With fewer edges a drawing's block is too smooth for it to matter which network it gets. */
const DRAWN_EDGES = 6
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
  /** Pixels of the commonest colour. */
  readonly same: number
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
  const [pairs = 0, equal = 0, edges = 0, colours = 0, same = 0, specks = 0] = facts.subarray(
    index * FACTS,
    (index + 1) * FACTS,
  )
  return { pairs, equal, edges, colours, same, specks }
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
  if (step >= PHOTO_DAMAGE.step || noise >= PHOTO_DAMAGE.noise) return true
  const { isDrawn, specks, hasGround } = edgesOf(blocks)
  if (!isDrawn || specks < DRAWING_DAMAGE.specks) return false
  const isTraced =
    step >= DRAWING_DAMAGE.step || noise >= DRAWING_DAMAGE.noise || halved <= DRAWING_DAMAGE.halved
  return isTraced || (hasGround && specks >= MANY_SPECKS)
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

interface Edges {
  readonly isDrawn: boolean
  /** Whether much of the ground is still of the very same colour. */
  readonly hasGround: boolean
  /** Median of the specks in edgy blocks: some 2 in a clean drawing, 60 to 140 in one that was compressed. */
  readonly specks: number
}

function edgesOf(blocks: Blocks): Edges {
  const count = blocks.columns * blocks.rows
  const edgy = Array.from({ length: count }, (_, index) => blockAt(blocks, index)).filter(
    ({ edges }) => edges >= EDGY,
  )
  const grounds = edgy.filter(({ same }) => same >= SAME_PIXELS)
  return {
    isDrawn:
      edgy.length * 100 >= count * EDGY_SHARE &&
      median(edgy.map(({ same, specks }) => same + specks)) >= GROUND_PIXELS,
    hasGround: grounds.length * 100 >= count * SAME_SHARE,
    specks: median(edgy.map(({ specks }) => specks)),
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

/** The blocks that are photographs, by a vote among neighbours, with soft borders. */
function photographicParts(blocks: Blocks): Mix {
  const { columns, rows } = blocks
  const votes = new Int32Array(columns * rows).map((_, index) => voteOf(blockAt(blocks, index)))
  const all = votes.reduce((sum, vote) => sum + vote, 0)
  // Where nobody knows, what most of the picture is.
  const kinds = around(votes, columns, rows, VOTERS, () => 1).map(sum => ((sum || all) > 0 ? 1 : 0))
  const soft = around(kinds, columns, rows, 1, (dx, dy) => (2 - Math.abs(dx)) * (2 - Math.abs(dy)))
  // Of a border's 16 parts to FULL; at the picture's edge some are missing.
  const whole = around(kinds.fill(1), columns, rows, 1, (dx, dy) => (2 - Math.abs(dx)) * (2 - Math.abs(dy)))
  const weights = Uint8Array.from(soft, (sum, index) => Math.floor((sum * FULL) / (whole[index] ?? 1)))
  return { weights, columns, rows }
}

/** 1 for a photograph, -1 for a drawing; 0 where a block is too smooth to tell, or could be both. */
function voteOf({ pairs, equal, edges, colours }: Block): number {
  const share = 100 * equal
  if (share <= PHOTO_EQUAL * pairs && colours >= PHOTO_COLOURS) return 1
  const isDrawn = share >= DRAWN_EQUAL * pairs || colours <= DRAWN_COLOURS
  return isDrawn && edges >= DRAWN_EDGES ? -1 : 0
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
