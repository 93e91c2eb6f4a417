/**
 * Where things lie in memory. The host (src/program.ts) lays the memory out once per model and writes this table
 * of int32 at a fixed address; the kernel allocates nothing and has no data of its own.
 */
export const PROGRAM: usize = 1024

/** Fields by byte offset: the same order as in src/program.ts. */
export const SCALE: usize = 0
export const LAYERS: usize = 4
/** Input pixels around the tile that its result depends on. */
export const HALO: usize = 8
/** Bytes of the tile with its halo, as the host wrote them. */
export const INPUT: usize = 12
/** The same as int16 samples of 12 bits, four channels a pixel (the fourth is 0). */
export const SAMPLES: usize = 16
export const SAMPLES_ROW: usize = 20
/** One row of the last layer: per pixel [dy][dx][colour], padded to a multiple of eight. */
export const RESIDUAL: usize = 24
export const RESIDUAL_STRIDE: usize = 28
/** Ring of five rows, enlarged across only: int32, four channels a sample. */
export const WIDE: usize = 32
export const WIDE_ROW: usize = 36
/** Where the finished bytes go, row by row without padding. */
export const OUTPUT: usize = 40
/** Scratch: 4 row addresses per output phase. */
export const TAPS: usize = 44
/** How far a result may leave the range of its 3x3 input pixels, in multiples of that range. */
export const REACH: usize = 48
/** Sums of one row. */
export const PRODUCTS: usize = 52
/** A row of samples on its way into Winograd's form. */
export const ROW: usize = 56
/** One 64-bit mask per row of the tile: bit g is set where the host wants columns 8g to 8g + 7. */
export const WANTED: usize = 60
/** The same after `busy.ts` has removed what needs no network. */
export const BUSY: usize = 64
/** Bytes per pixel of the tile with its halo: scratch, and what busy.ts says of it. */
export const ROUGH: usize = 68
export const COUNTS: usize = 72
export const MAP_ROW: usize = 76
/** Five int32 per output phase: first input pixel, relative, and four weights over 2**14. */
export const PHASES: usize = 80
export const PHASE_BYTES: usize = 20

/** Then one record per layer. */
export const FIRST_LAYER: usize = 256
export const LAYER_BYTES: usize = 48
/** 1: the layer takes its input in Winograd's form. */
export const WINOGRAD: usize = 0
/** Bytes from a pixel (of Winograd: a pair of pixels) to the next. */
export const STRIDE: usize = 4
/** Channel pairs that a sum takes from a row. */
export const PAIRS: usize = 8
export const OUTPUTS: usize = 12
export const SHIFT: usize = 16
export const WEIGHTS: usize = 20
export const STARTS: usize = 24
/** Ring of three input rows; the first layer reads SAMPLES instead. */
export const RING: usize = 28
export const RING_ROW: usize = 32
/** Of Winograd: bytes from one product's inputs to the next's, within a row. */
export const PLANE: usize = 36

export function field(offset: usize): i32 {
  return load<i32>(PROGRAM + offset)
}

export function layerField(layer: i32, offset: usize): i32 {
  return load<i32>(PROGRAM + FIRST_LAYER + <usize>layer * LAYER_BYTES + offset)
}

export function sampleRow(row: i32): usize {
  return <usize>(field(SAMPLES) + row * field(SAMPLES_ROW))
}
