/** Least and greatest of three neighbouring samples, per channel, in the first four lanes. */
export function lowest(address: usize): v128 {
  return i16x8.min_s(i16x8.min_s(pixel(address), pixel(address + 8)), pixel(address + 16))
}

export function highest(address: usize): v128 {
  return i16x8.max_s(i16x8.max_s(pixel(address), pixel(address + 8)), pixel(address + 16))
}

export function pixel(address: usize): v128 {
  return v128.load_zero<i64>(address)
}
