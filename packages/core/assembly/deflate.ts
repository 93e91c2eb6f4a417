/*
 * Deflate (RFC 1951) for the filtered rows of large pictures: of all repetitions only those of the byte before, each where
 * it is shorter than the bytes it stands for, and codes that fit each block. zlib's Z_RLE takes all of three bytes and
 * more, which costs a smooth picture 3 %.
 */

import { total } from './lanes'

/** Literals, the end of a block, lengths. */
const SYMBOLS = 286
const END: i32 = 256
/** One less than is allowed: four codes and what is left of the byte before fit 64 bits. */
const MOST_BITS = 14
const SHORTEST_RUN = 3
const LONGEST_RUN = 258
/** What a symbol is taken to cost that the block before hadn't. */
const UNSEEN_BITS: i32 = 12
/** The code of a distance, of which there is one. */
const DISTANCE_BITS: i32 = 1
const LENGTH_SYMBOLS = 19
const LENGTH_MOST_BITS = 7

// Where things lie behind `work`.
const COUNTS = 0 // u32, by symbol
const KEYS = 1152 // u32
const ORDER = 2304 // u16
const CODES = 2880 // u16, by symbol
const BITS = 3456 // u8, by symbol: lengths of the codes; then that of the distance's
const COSTS = 3760 // u8, by symbol: lengths in the block before
const TOKENS = 4064 // u16: the lengths as they are told, and what is repeated how often
const TOKEN_COUNTS = 4704 // u32
const TOKEN_BITS = 4780 // u8
const TOKEN_CODES = 4800 // u16
const DEPTHS = 4840 // u32, by length
const PENDING = 4976 // u64: bits that fill no byte yet
const PENDING_COUNT = 4984 // u32
const IS_BEGUN = 4988 // u32
const ENTRIES = 4992 // u32, by symbol: a code, shifted by 6, and its length
const LITERAL_COUNTS = 6144 // u32, by byte, four times: one that follows itself would wait for its own count
// They end at 10240: png.ts clears so many bytes at first.

/** In which order the lengths of the codes for lengths are told, five bits each. */
const TOLD_FIRST: u64 = 0xaa324e804a30
const TOLD_THEN: u64 = 0xf0b84d1b08b

/** Room for what is told before the symbols. */
const HEAD_BYTES = 1024

// Where the next bits go, while a block is made.
let pending: u64 = 0
let pendingCount: u32 = 0
let at: usize = 0

/**
 * Appends a block.
 *
 * @param input the bytes
 * @param length how many, 1 at least
 * @param isLast 1 for the last block, which is filled up to a whole byte
 * @param work what is kept between blocks
 * @param output room for four times as many bytes and 1 KB; up to 20 bytes behind the input are read
 * @returns how many bytes were written, half of the room at most
 */
export function deflate(input: usize, length: i32, isLast: i32, work: usize, output: usize): i32 {
  const runs = output + 2 * length + HEAD_BYTES
  if (load<u32>(work + IS_BEGUN) === 0) {
    // What symbols cost isn't known yet: once for that alone.
    memory.fill(work + COSTS, <u8>UNSEEN_BITS, SYMBOLS)
    count(input, length, runs, work)
    makeCodes(work + COUNTS, SYMBOLS, MOST_BITS, work + BITS, work + CODES, work)
    keepCosts(work)
    store<u32>(work + IS_BEGUN, 1)
  }
  const found = count(input, length, runs, work)
  makeCodes(work + COUNTS, SYMBOLS, MOST_BITS, work + BITS, work + CODES, work)
  at = output
  pending = load<u64>(work + PENDING)
  pendingCount = load<u32>(work + PENDING_COUNT)
  writeHead(isLast, work)
  writeSymbols(input, length, runs, found, work)
  if (isLast) pendingCount = (pendingCount + 7) & ~7
  for (; pendingCount >= 8; pendingCount -= 8) {
    store<u8>(at++, <u8>pending)
    pending >>= 8
  }
  store<u64>(work + PENDING, pending)
  store<u32>(work + PENDING_COUNT, pendingCount)
  keepCosts(work)
  return <i32>(at - output)
}

/** The first place from `from` on where three bytes equal the one before; `end` where there is none. */
function nextRun(from: usize, end: usize): usize {
  for (; from < end; from += 16) {
    const before = v128.load(from - 1)
    const first = i8x16.eq(v128.load(from), before)
    const second = i8x16.eq(v128.load(from + 1), before)
    const third = i8x16.eq(v128.load(from + 2), before)
    const places = i8x16.bitmask(v128.and(v128.and(first, second), third))
    if (places !== 0) {
      from += ctz(places)
      return from + SHORTEST_RUN <= end ? from : end
    }
  }
  return end
}

/** How many of the bytes from `from` on equal the one before, as far as a run can tell. */
function runAt(from: usize, end: usize): i32 {
  const most = min(<i32>(end - from), LONGEST_RUN)
  const value = i8x16.splat(load<u8>(from - 1))
  for (let run = 0; run < most; run += 16) {
    const others = ~i8x16.bitmask(i8x16.eq(v128.load(from + run), value))
    if ((others & 0xffff) !== 0) return min(most, run + ctz(others))
  }
  return most
}

/** The symbol of a run's length. */
function symbolOf(run: i32): i32 {
  if (run === LONGEST_RUN) return SYMBOLS - 1
  const over = run - SHORTEST_RUN
  const extra = extraOf(run)
  return END + 1 + (extra << 2) + (over >> extra)
}

/** How many bits of a run's length follow its symbol. */
function extraOf(run: i32): i32 {
  const over = run - SHORTEST_RUN
  return over < 8 || run === LONGEST_RUN ? 0 : 29 - clz(over)
}

/** True where a run is told by its length, by what symbols cost in the block before. */
function isWorth(run: i32, value: u8, work: usize): bool {
  if (run < SHORTEST_RUN) return false
  const bits = <i32>load<u8>(work + COSTS + symbolOf(run)) + extraOf(run) + DISTANCE_BITS
  return bits < run * <i32>load<u8>(work + COSTS + value)
}

/**
 * Counts symbols.
 * @param runs takes where the runs begin that are told by their lengths
 * @returns how many of those there are
 */
function count(input: usize, length: i32, runs: usize, work: usize): i32 {
  const counts = work + COUNTS
  const end = input + length
  memory.fill(counts, 0, 4 * SYMBOLS)
  countBytes(input, end, work)
  store<u32>(counts + 4 * END, 1)
  let found = 0
  for (let from = nextRun(input + 1, end); from < end; from = nextRun(from, end)) {
    const value = load<u8>(from - 1)
    const run = runAt(from, end)
    if (isWorth(run, value, work)) {
      increase(counts + 4 * symbolOf(run), 1)
      increase(counts + 4 * <i32>value, -run)
      store<u32>(runs + 4 * found++, <u32>from)
    }
    from += run
  }
  return found
}

function countBytes(from: usize, end: usize, work: usize): void {
  const counts = work + LITERAL_COUNTS
  memory.fill(counts, 0, 4096)
  for (; from + 4 <= end; from += 4) {
    const bytes = load<u32>(from)
    increase(counts + 4 * (bytes & 255), 1)
    increase(counts + 1024 + 4 * ((bytes >> 8) & 255), 1)
    increase(counts + 2048 + 4 * ((bytes >> 16) & 255), 1)
    increase(counts + 3072 + 4 * (bytes >> 24), 1)
  }
  for (; from < end; from++) increase(counts + 4 * <i32>load<u8>(from), 1)
  for (let at = 0; at < 1024; at += 16) {
    const some = i32x4.add(v128.load(counts + at), v128.load(counts + 1024 + at))
    const others = i32x4.add(v128.load(counts + 2048 + at), v128.load(counts + 3072 + at))
    v128.store(work + COUNTS + at, i32x4.add(some, others))
  }
}

/** In one function, since what is kept in variables of the module is written to memory each time. */
function writeSymbols(input: usize, length: i32, runs: usize, found: i32, work: usize): void {
  const end = input + length
  const entries = work + ENTRIES
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const code: u32 = load<u16>(work + CODES + 2 * symbol)
    store<u32>(entries + 4 * symbol, (code << 6) | load<u8>(work + BITS + symbol))
  }
  let bits = pending
  let count: u64 = pendingCount
  let to = at
  let from = input
  for (let index = 0; index <= found; index++) {
    const run: usize = index < found ? load<u32>(runs + 4 * index) : end
    to += flushed(to, bits, count)
    bits >>= count & 56
    count &= 7
    for (; from + 4 <= run; from += 4) {
      const bytes = load<u32>(from)
      const first: u64 = load<u32>(entries + 4 * (bytes & 255))
      const second: u64 = load<u32>(entries + 4 * ((bytes >> 8) & 255))
      const third: u64 = load<u32>(entries + 4 * ((bytes >> 16) & 255))
      const fourth: u64 = load<u32>(entries + 4 * (bytes >> 24))
      // A shift heeds the lowest six bits alone: the length of a code, or a sum of lengths.
      const half = (first >> 6) | ((second >> 6) << first)
      const rest = (third >> 6) | ((fourth >> 6) << third)
      const halfCount = first + second
      bits |= (half | (rest << halfCount)) << count
      count += (halfCount + third + fourth) & 63
      to += flushed(to, bits, count)
      bits >>= count & 56
      count &= 7
    }
    for (; from < run; from++) {
      const entry: u64 = load<u32>(entries + 4 * <i32>load<u8>(from))
      bits |= (entry >> 6) << count
      count += entry & 63
    }
    if (index === found) break
    to += flushed(to, bits, count)
    bits >>= count & 56
    count &= 7
    const told = runAt(run, end)
    const extra = extraOf(told)
    const entry: u64 = load<u32>(entries + 4 * symbolOf(told))
    // The distance's code is a 0.
    const over: u64 = (told - SHORTEST_RUN) & ((1 << extra) - 1)
    bits |= ((entry >> 6) | (over << entry)) << count
    count += (entry & 63) + extra + DISTANCE_BITS
    from = run + told
  }
  pending = bits
  pendingCount = <u32>count
  at = to
  write(load<u16>(work + CODES + 2 * END), load<u8>(work + BITS + END))
}

/** Writes bits. @returns how many whole bytes they were */
function flushed(to: usize, bits: u64, count: u64): usize {
  store<u64>(to, bits)
  return <usize>(count >> 3)
}

function increase(place: usize, by: i32): void {
  store<u32>(place, load<u32>(place) + by)
}

/** Up to 24 bits, the lowest first. */
function write(bits: u32, count: u32): void {
  pending |= (<u64>bits) << pendingCount
  pendingCount += count
  if (pendingCount < 32) return
  store<u32>(at, <u32>pending)
  at += 4
  pending >>= 32
  pendingCount -= 32
}

function keepCosts(work: usize): void {
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const bits = load<u8>(work + BITS + symbol)
    store<u8>(work + COSTS + symbol, bits === 0 ? <u8>UNSEEN_BITS : bits)
  }
}

/** Says how long the codes are, which by that are known. */
function writeHead(isLast: i32, work: usize): void {
  let symbols = SYMBOLS
  while (load<u8>(work + BITS + symbols - 1) === 0) symbols--
  store<u8>(work + BITS + symbols, <u8>DISTANCE_BITS)
  const tokens = tokenise(symbols + 1, work)
  makeCodes(
    work + TOKEN_COUNTS,
    LENGTH_SYMBOLS,
    LENGTH_MOST_BITS,
    work + TOKEN_BITS,
    work + TOKEN_CODES,
    work,
  )
  let told = LENGTH_SYMBOLS
  while (load<u8>(work + TOKEN_BITS + toldAt(told - 1)) === 0) told--
  write(isLast, 1)
  write(2, 2)
  write(symbols - 257, 5)
  write(0, 5)
  write(told - 4, 4)
  for (let place = 0; place < told; place++) write(load<u8>(work + TOKEN_BITS + toldAt(place)), 3)
  for (let index = 0; index < tokens; index++) {
    const token: u32 = load<u16>(work + TOKENS + 2 * index)
    const symbol = token & 31
    write(load<u16>(work + TOKEN_CODES + 2 * symbol), load<u8>(work + TOKEN_BITS + symbol))
    if (symbol >= 16) write(token >> 5, symbol === 16 ? 2 : symbol === 17 ? 3 : 7)
  }
  // Beyond the lengths, where the next block looks for none.
  store<u8>(work + BITS + symbols, 0)
}

function toldAt(place: i32): i32 {
  return <i32>((place < 10 ? TOLD_FIRST >> (5 * place) : TOLD_THEN >> (5 * (place - 10))) & 31)
}

/** Lengths, repeated ones with how often. @returns how many tokens there are */
function tokenise(lengths: i32, work: usize): i32 {
  memory.fill(work + TOKEN_COUNTS, 0, 4 * LENGTH_SYMBOLS)
  let tokens = 0
  for (let from = 0; from < lengths; ) {
    const length = load<u8>(work + BITS + from)
    let to = from + 1
    while (to < lengths && load<u8>(work + BITS + to) === length) to++
    let left = to - from
    if (length !== 0) {
      addToken(tokens++, length, 0, work)
      left--
    }
    while (left > 0) {
      if (left < 3) {
        addToken(tokens++, length, 0, work)
        left--
      } else if (length !== 0) {
        const part = min(left, 6)
        addToken(tokens++, 16, part - 3, work)
        left -= part
      } else if (left < 11) {
        addToken(tokens++, 17, left - 3, work)
        left = 0
      } else {
        const part = min(left, 138)
        addToken(tokens++, 18, part - 11, work)
        left -= part
      }
    }
    from = to
  }
  return tokens
}

function addToken(index: i32, symbol: i32, extra: i32, work: usize): void {
  store<u16>(work + TOKENS + 2 * index, <u16>(symbol | (extra << 5)))
  increase(work + TOKEN_COUNTS + 4 * symbol, 1)
}

/** Codes for symbols by how often there are, none longer than `most` bits: Huffman's, in the form that RFC 1951 asks for. */
function makeCodes(counts: usize, symbols: i32, most: i32, bits: usize, codes: usize, work: usize): void {
  const used = sort(counts, symbols, work)
  measure(used, work)
  const depths = work + DEPTHS
  memory.fill(depths, 0, 4 * 32)
  for (let index = 0; index < used; index++)
    increase(depths + 4 * min(most, load<u32>(work + KEYS + 4 * index)), 1)
  shorten(depths, most)
  memory.fill(bits, 0, symbols)
  let index = used
  for (let length = 1; length <= most; length++)
    for (let left = load<u32>(depths + 4 * length); left > 0; left--)
      store<u8>(bits + load<u16>(work + ORDER + 2 * --index), <u8>length)
  let first: u32 = 0
  for (let length = 1; length <= most; length++) {
    let code = first
    for (let symbol = 0; symbol < symbols; symbol++) {
      if (load<u8>(bits + symbol) !== <u8>length) continue
      store<u16>(codes + 2 * symbol, <u16>mirrored(code++, length))
    }
    first = code << 1
  }
}

/** Symbols that are there, the rarest first, and how often they are. @returns how many */
function sort(counts: usize, symbols: i32, work: usize): i32 {
  const keys = work + KEYS
  let used = 0
  for (let symbol = 0; symbol < symbols; symbol++) {
    const count = load<u32>(counts + 4 * symbol)
    if (count > 0) store<u32>(keys + 4 * used++, (count << 9) | symbol)
  }
  for (let gap = 121; gap > 0; gap /= 3) {
    for (let index = gap; index < used; index++) {
      const key = load<u32>(keys + 4 * index)
      let to = index
      for (; to >= gap && load<u32>(keys + 4 * (to - gap)) > key; to -= gap)
        store<u32>(keys + 4 * to, load<u32>(keys + 4 * (to - gap)))
      store<u32>(keys + 4 * to, key)
    }
  }
  for (let index = 0; index < used; index++) {
    const key = load<u32>(keys + 4 * index)
    store<u16>(work + ORDER + 2 * index, <u16>(key & 511))
    store<u32>(keys + 4 * index, key >> 9)
  }
  return used
}

/** Turns sorted counts, two at least, into the lengths of their codes, in place (Moffat and Katajainen 1995). */
function measure(used: i32, work: usize): void {
  const keys = work + KEYS
  let root = 0
  let leaf = 0
  for (let next = 0; next < used - 1; next++) {
    let sum: u32 = 0
    for (let part = 0; part < 2; part++) {
      const isLeaf = leaf < used && (root >= next || load<u32>(keys + 4 * leaf) <= load<u32>(keys + 4 * root))
      if (isLeaf) sum += load<u32>(keys + 4 * leaf++)
      else {
        sum += load<u32>(keys + 4 * root)
        store<u32>(keys + 4 * root++, next)
      }
    }
    store<u32>(keys + 4 * next, sum)
  }
  store<u32>(keys + 4 * (used - 2), 0)
  for (let next = used - 3; next >= 0; next--)
    store<u32>(keys + 4 * next, load<u32>(keys + 4 * load<u32>(keys + 4 * next)) + 1)
  let available = 1
  let depth: u32 = 0
  let next = used - 1
  for (root = used - 2; available > 0; depth++) {
    let inner = 0
    for (; root >= 0 && load<u32>(keys + 4 * root) === depth; root--) inner++
    for (; available > inner; available--) store<u32>(keys + 4 * next--, depth)
    available = 2 * inner
  }
}

/** Makes a code of lengths, some of which were cut to `most`. */
function shorten(depths: usize, most: i32): void {
  let total: u32 = 0
  for (let length = 1; length <= most; length++) total += load<u32>(depths + 4 * length) << (most - length)
  for (; total > (<u32>1) << most; total--) {
    increase(depths + 4 * most, -1)
    let length = most - 1
    while (load<u32>(depths + 4 * length) === 0) length--
    increase(depths + 4 * length, -1)
    increase(depths + 4 * (length + 1), 2)
  }
}

function mirrored(code: u32, length: i32): u32 {
  let result: u32 = 0
  for (let bit = 0; bit < length; bit++) result |= ((code >> bit) & 1) << (length - 1 - bit)
  return result
}

const ADLER_BASE: u32 = 65521
/** So many bytes fit 32 bits. */
const ADLER_BYTES = 5536

/** Goes on with a checksum (RFC 1950), which begins as 1. */
export function adler(sum: u32, input: usize, length: i32): u32 {
  let low = sum & 0xffff
  let high = sum >> 16
  const end = input + length
  while (input < end) {
    const to = min(end, input + ADLER_BYTES)
    for (; input + 16 <= to; input += 16) {
      const bytes = v128.load(input)
      const first = i16x8.extend_low_i8x16_u(bytes)
      const second = i16x8.extend_high_i8x16_u(bytes)
      const sums = i32x4.add(
        i32x4.dot_i16x8_s(first, i16x8(16, 15, 14, 13, 12, 11, 10, 9)),
        i32x4.dot_i16x8_s(second, i16x8(8, 7, 6, 5, 4, 3, 2, 1)),
      )
      high += 16 * low + <u32>total(sums)
      low += <u32>total(i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)))
    }
    for (; input < to; input++) {
      low += load<u8>(input)
      high += low
    }
    low %= ADLER_BASE
    high %= ADLER_BASE
  }
  return (high << 16) | low
}
