/**
 * Which networks a picture gets, by what is in it and by nothing else: so the pixels, which the cache's key names, settle
 * the result.
 *
 * A picture that compression or noise has damaged gets `compressed` as a whole. Any other is looked at block by block:
 * where neighbours are mostly of one colour, or colours are few, somebody drew it; where hardly two neighbours agree, it
 * is a photograph. Where both are in one picture, each gets its part, with a soft border between.
 */
import type { PixelImage } from 'upscale-core'
import { type Block, type Blocks, eachBlock, sumsAround, survey, type Work } from './blocks.ts'
import { FULL, type Mix } from './mix.mjs'
import type { Pool } from './pool.ts'
import { BLOCK } from './survey.mjs'
import { cutTile } from './tiles.ts'
import type { Expert } from './weights.ts'

export interface Choice {
  readonly base: Expert
  readonly over?: { readonly expert: Expert; readonly mix: Mix }
}

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
/** Weights of the votes on either side: those of two blocks around count as much as a block's own. */
const VOTERS = [1, 1, 1, 1, 1]
/** The same for a soft border. */
const BORDER = [1, 2, 1]
/** Per cent of the blocks that must be of the lesser kind, or it is taken for a mistake. */
const LEAST_SHARE = 2

/** @throws the signal's reason */
export async function choose(image: PixelImage, pool: Pool, work: Work): Promise<Choice> {
  const blocks = await survey(image, pool, work)
  if (await isDamaged(image, blocks, pool, work)) return { base: 'compressed' }
  const mix = await photographicParts(blocks)
  const share = mix.weights.reduce((sum, weight) => sum + weight, 0) / (FULL * mix.weights.length)
  if (share * 100 < LEAST_SHARE) return { base: 'design' }
  if (share * 100 > 100 - LEAST_SHARE) return { base: 'photo' }
  return { base: 'design', over: { expert: 'photo', mix } }
}

async function isDamaged(image: PixelImage, blocks: Blocks, pool: Pool, { signal }: Work): Promise<boolean> {
  const { channels } = image
  const patches = await cutPatches(image, blocks)
  if (patches.length === 0) return false
  const { step, noise, halved } = await pool.run({ kind: 'damage', patches, channels }, signal)
  if (step >= PHOTO_DAMAGE.step || noise >= PHOTO_DAMAGE.noise) return true
  const { isDrawn, specks, hasGround } = await edgesOf(blocks)
  if (!isDrawn || specks < DRAWING_DAMAGE.specks) return false
  const isTraced =
    step >= DRAWING_DAMAGE.step || noise >= DRAWING_DAMAGE.noise || halved <= DRAWING_DAMAGE.halved
  return isTraced || (hasGround && specks >= MANY_SPECKS)
}

/** Whole blocks with something in them, evenly spread over the picture. */
async function cutPatches(image: PixelImage, blocks: Blocks): Promise<Uint8Array<ArrayBuffer>> {
  const { columns } = blocks
  const places = new Uint32Array(columns * blocks.rows)
  const [wholeColumns, wholeRows] = [Math.floor(image.width / BLOCK), Math.floor(image.height / BLOCK)]
  let found = 0
  await eachBlock(blocks, ({ colours }, index) => {
    const isWhole = index % columns < wholeColumns && index < wholeRows * columns
    if (isWhole && colours >= PATCH_COLOURS) places[found++] = index
  })
  const count = Math.min(MOST_PATCHES, found)
  const size = BLOCK * BLOCK * image.channels
  const patches = new Uint8Array(count * size)
  for (let i = 0; i < count; i++) {
    const index = places[Math.floor((i * found) / count)] as number
    const [left, top] = [(index % columns) * BLOCK, Math.floor(index / columns) * BLOCK]
    patches.set(cutTile(image, { left, top, width: BLOCK, height: BLOCK }, 0), i * size)
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

async function edgesOf(blocks: Blocks): Promise<Edges> {
  const count = blocks.columns * blocks.rows
  const grounds = createTally()
  const specks = createTally()
  let withGround = 0
  await eachBlock(blocks, block => {
    if (block.edges < EDGY) return
    grounds.add(block.same + block.specks)
    specks.add(block.specks)
    if (block.same >= SAME_PIXELS) withGround++
  })
  return {
    isDrawn: grounds.size() * 100 >= count * EDGY_SHARE && grounds.median() >= GROUND_PIXELS,
    hasGround: withGround * 100 >= count * SAME_SHARE,
    specks: specks.median(),
  }
}

/** Counts how often there is a number of pixels, or a sum of two such numbers, in a block. */
function createTally(): { add(pixels: number): void; size(): number; median(): number } {
  const counts = new Uint32Array(2 * BLOCK * BLOCK + 1)
  let size = 0
  return {
    add(pixels) {
      counts[pixels] = (counts[pixels] as number) + 1
      size++
    },
    size: () => size,
    median() {
      let upTo = 0
      const middle = counts.findIndex(count => {
        upTo += count
        return upTo > size >> 1
      })
      return Math.max(0, middle)
    },
  }
}

/** The blocks that are photographs, by a vote among neighbours, with soft borders. */
async function photographicParts(blocks: Blocks): Promise<Mix> {
  const { columns, rows } = blocks
  const votes = new Int32Array(columns * rows)
  let all = 0
  await eachBlock(blocks, (block, index) => {
    const vote = voteOf(block)
    votes[index] = vote
    all += vote
  })
  const sums = await sumsAround(votes, blocks, VOTERS)
  // Where nobody knows, what most of the picture is.
  const kinds = sums.map(sum => ((sum || all) > 0 ? 1 : 0))
  const soft = await sumsAround(kinds, blocks, BORDER)
  // Of a border's 16 parts to FULL; at the picture's edge some are missing.
  const whole = await sumsAround(kinds.fill(1), blocks, BORDER)
  const weights = soft.map((sum, index) => Math.floor((sum * FULL) / (whole[index] as number)))
  return { weights: new Uint8Array(weights), columns, rows }
}

/** 1 for a photograph, -1 for a drawing; 0 where a block is too smooth to tell, or could be both. */
function voteOf({ pairs, equal, edges, colours }: Block): number {
  const share = 100 * equal
  if (share <= PHOTO_EQUAL * pairs && colours >= PHOTO_COLOURS) return 1
  const isDrawn = share >= DRAWN_EQUAL * pairs || colours <= DRAWN_COLOURS
  return isDrawn && edges >= DRAWN_EDGES ? -1 : 0
}
