/**
 * Where the network is needed. It isn't where the input is smooth: there the anchor says the same to within a level. Nor
 * where it is flat: there finish.ts lets nothing but the flat colour through. Nor along a straight line or edge of two flat
 * colours: there finish.ts repeats the pixel.
 *
 * Whether its word counts depends on the pixels around and on nothing else, so the cut into tiles makes no difference.
 */
import { highest, lowest } from './neighbours'
import { BUSY, COUNTS, field, HALO, MAP_ROW, ROUGH, ROW, SAMPLES_ROW, sampleRow, WANTED } from './program'

/** A pixel is rough when its 3x3 pixels differ by more than this in a channel: two levels of 255. */
const SMOOTH: i16 = 33

/** In COUNTS: the pixel is of a straight line or edge. */
export const STRAIGHT: u8 = 1
/** How far around a pixel that is decided. */
const LINE_REACH = 2

/** Pixels this near to a rough one are left to the network too, which may have something to say there. */
const AROUND = 4

/** The top bits of eight bytes of COUNTS: only 255 has it. */
const NETWORK: u64 = ((<u64>0x80808080) << 32) | 0x80808080

/** Fills COUNTS and BUSY for a tile whose samples are there. */
export function findBusy(width: i32, height: i32): void {
  const halo = field(HALO)
  for (let y = halo - AROUND; y < height + halo + AROUND; y++) findRough(y, width)
  for (let y = 0; y < height; y++) {
    countRow(y + halo, width)
    markStraight(y + halo, width)
    markBusy(y, width)
  }
}

/** COUNTS of the first pixel of row `y` of the tile: a byte each, 255 where the network's word counts, STRAIGHT, or else 0. */
export function countsRow(y: i32): usize {
  return mapRow(COUNTS, y + field(HALO)) + <usize>field(HALO)
}

/** ROUGH of one row: 255 where it is rough, 1 where it is smooth but not flat, 0 where it is flat. */
function findRough(y: i32, width: i32): void {
  const first = <usize>(field(HALO) - AROUND)
  const left = (first - 1) << 3
  let above = sampleRow(y - 1) + left
  let here = sampleRow(y) + left
  let below = sampleRow(y + 1) + left
  let to = mapRow(ROUGH, y) + first
  const limit = i16x8.splat(SMOOTH)
  for (let x = -AROUND; x < width + AROUND; x++) {
    const low = i16x8.min_s(i16x8.min_s(lowest(above), lowest(here)), lowest(below))
    const high = i16x8.max_s(i16x8.max_s(highest(above), highest(here)), highest(below))
    const range = i16x8.sub(high, low)
    const value = v128.any_true(i16x8.gt_s(range, limit)) ? 255 : v128.any_true(range) ? 1 : 0
    store<u8>(to, <u8>value)
    above += 8
    here += 8
    below += 8
    to++
  }
}

/** COUNTS of one row: where it isn't flat, and rough pixels are near. */
function countRow(y: i32, width: i32): void {
  const first = <usize>(field(HALO) - AROUND)
  const row = <usize>field(MAP_ROW)
  const column = <usize>field(ROW)
  const rough = mapRow(ROUGH, y)
  for (let x: usize = 0; x < <usize>(width + 2 * AROUND); x += 16) {
    let any = i8x16.splat(0)
    let from = rough + first + x - <usize>AROUND * row
    for (let dy = -AROUND; dy <= AROUND; dy++) {
      any = v128.or(any, v128.load(from))
      from += row
    }
    v128.store(column + x, any)
  }
  const counts = mapRow(COUNTS, y) + <usize>field(HALO)
  const own = rough + <usize>field(HALO)
  for (let x: usize = 0; x < <usize>width; x += 16) {
    let any = i8x16.splat(0)
    for (let dx: usize = 0; dx <= 2 * AROUND; dx++) any = v128.or(any, v128.load(column + x + dx))
    const uneven = i8x16.ne(v128.load(own + x), i8x16.splat(0))
    v128.store(counts + x, v128.and(i8x16.shr_s(any, 7), uneven))
  }
}

/** STRAIGHT into COUNTS of one row. */
function markStraight(y: i32, width: i32): void {
  const counts = mapRow(COUNTS, y) + <usize>field(HALO)
  const rough = mapRow(ROUGH, y) + <usize>field(HALO)
  const first = sampleRow(y) + ((<usize>field(HALO)) << 3)
  const row = <usize>field(SAMPLES_ROW)
  for (let x: usize = 0; x < <usize>width; x++) {
    if (load<u8>(rough + x) !== 255) continue
    const at = first + (x << 3)
    if (isStraight(at, 8, row) || isStraight(at, row, 8)) store<u8>(counts + x, STRAIGHT)
  }
}

/**
 * Whether the 5x5 pixels around a rough one are of two colours and don't change along the line. What a filter has reduced
 * has overshoot beside a line, which is a third colour.
 * @param across bytes to the next pixel across the line
 * @param along bytes to the next pixel along it
 */
function isStraight(at: usize, across: usize, along: usize): boolean {
  const own = load<u64>(at)
  const before = load<u64>(at - across)
  const other = before === own ? load<u64>(at + across) : before
  let line = at - LINE_REACH * across
  for (let i = -LINE_REACH; i <= LINE_REACH; i++) {
    const colour = load<u64>(line)
    if (colour !== own && colour !== other) return false
    let there = line - LINE_REACH * along
    for (let j = -LINE_REACH; j <= LINE_REACH; j++) {
      if (load<u64>(there) !== colour) return false
      there += along
    }
    line += across
  }
  return true
}

/** BUSY of one row: the eights of columns that are wanted and in which the network's word counts. */
function markBusy(y: i32, width: i32): void {
  const counts = countsRow(y)
  let busy: u64 = 0
  for (let group = 0; group << 3 < width; group++) {
    let eight = load<u64>(counts + ((<usize>group) << 3))
    const beyond = (group << 3) + 8 - width
    if (beyond > 0) eight &= <u64>-1 >> ((<u64>beyond) << 3)
    if ((eight & NETWORK) !== 0) busy |= (<u64>1) << group
  }
  const at = (<usize>y) << 3
  store<u64>(<usize>field(BUSY) + at, busy & load<u64>(<usize>field(WANTED) + at))
}

function mapRow(map: usize, y: i32): usize {
  return <usize>(field(map) + y * field(MAP_ROW))
}
