/** Repeatable randomness: the same numbers in give the same picture out, on every machine. */

/** A number from 0 up to 1 for a point with whole coordinates. */
export function hash(x, y = 0, seed = 0) {
  let h = Math.imul(x | 0, 374761393) ^ Math.imul(y | 0, 668265263) ^ Math.imul(seed | 0, 2147483647)
  h = Math.imul(h ^ (h >>> 13), 1274126177)
  h = Math.imul(h ^ (h >>> 16), 2246822519)
  return ((h ^ (h >>> 15)) >>> 0) / 4294967296
}

/** Smooth noise from 0 to 1 with one bump per unit. */
export function noise(x, y, seed = 0) {
  const column = Math.floor(x)
  const row = Math.floor(y)
  const u = smooth(x - column)
  const v = smooth(y - row)
  const top = mix(hash(column, row, seed), hash(column + 1, row, seed), u)
  const bottom = mix(hash(column, row + 1, seed), hash(column + 1, row + 1, seed), u)
  return mix(top, bottom, v)
}

/** Layers of noise, each twice as fine and half as strong: clouds, rock, sand. From 0 to 1. */
export function layers(x, y, seed, count = 5) {
  let sum = 0
  let weight = 0
  for (let layer = 0, scale = 1, strength = 1; layer < count; layer++, scale *= 2.03, strength *= 0.5) {
    sum += strength * noise(x * scale, y * scale, seed + layer)
    weight += strength
  }
  return sum / weight
}

/** As {@link layers}, folded so that it has crests: mountains. */
export function crests(x, y, seed, count = 6) {
  let sum = 0
  let weight = 0
  for (let layer = 0, scale = 1, strength = 1; layer < count; layer++, scale *= 2.07, strength *= 0.5) {
    sum += strength * (1 - Math.abs(2 * noise(x * scale, y * scale, seed + layer) - 1))
    weight += strength
  }
  return sum / weight
}

export function mix(a, b, t) {
  return a + (b - a) * t
}

export function blend(a, b, t) {
  return [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

export function clamp(value, low = 0, high = 1) {
  return Math.min(high, Math.max(low, value))
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function step(from, to, value) {
  return smooth(clamp((value - from) / (to - from)))
}

function smooth(t) {
  return t * t * (3 - 2 * t)
}
