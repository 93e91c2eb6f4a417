import { field, INPUT, sampleRow } from './program'

/** Turns the input bytes into 12-bit samples, round(v / 255 * 4096); a grey picture fills all three channels. */
export function readSamples(columns: i32, rows: i32, channels: i32): void {
  let from = <usize>field(INPUT)
  for (let y = 0; y < rows; y++) {
    let to = sampleRow(y)
    const end = to + ((<usize>columns) << 3)
    while (to < end) {
      const first = sample(load<u8>(from))
      const second = channels === 1 ? first : sample(load<u8>(from, 1))
      const third = channels === 1 ? first : sample(load<u8>(from, 2))
      store<u64>(to, <u64>first | ((<u64>second) << 16) | ((<u64>third) << 32))
      from += channels
      to += 8
    }
  }
}

function sample(value: u32): u32 {
  return (value * 8192 + 255) / 510
}
