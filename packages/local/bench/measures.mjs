// Picture measures. A picture is { data, width, height, channels: 3 }; luma is ITU-R BT.601 as the papers take it
// (16 to 235, not rounded).

export function luma(picture) {
  const known = lumas.get(picture)
  if (known !== undefined) return known
  const { data, width, height } = picture
  const y = new Float64Array(width * height)
  for (let i = 0; i < y.length; i++) {
    y[i] = 16 + (65.481 * data[i * 3] + 128.553 * data[i * 3 + 1] + 24.966 * data[i * 3 + 2]) / 255
  }
  const plane = { y, width, height }
  lumas.set(picture, plane)
  return plane
}

/** A truth is compared with many results. */
const lumas = new WeakMap()

/** PSNR on luma, decibels, less `border` pixels on each side. */
export function psnr(a, b, border) {
  const [one, two] = [luma(a), luma(b)]
  let sum = 0
  let count = 0
  for (let row = border; row < one.height - border; row++) {
    for (let column = border; column < one.width - border; column++) {
      const i = row * one.width + column
      sum += (one.y[i] - two.y[i]) ** 2
      count++
    }
  }
  return 10 * Math.log10(255 ** 2 / (sum / count))
}

/** SSIM on luma: Gaussian window of 11 pixels, sigma 1.5, valid part only. */
export function ssim(a, b, border) {
  const [one, two] = [momentsOf(a, border), momentsOf(b, border)]
  const cross = blur({ ...one.plane, y: one.plane.y.map((value, i) => value * two.plane.y[i]) })
  const c1 = (0.01 * 255) ** 2
  const c2 = (0.03 * 255) ** 2
  let sum = 0
  for (let i = 0; i < cross.y.length; i++) {
    const [m1, m2] = [one.mean.y[i], two.mean.y[i]]
    const variance = one.square.y[i] - m1 * m1 + two.square.y[i] - m2 * m2
    const covariance = cross.y[i] - m1 * m2
    sum += ((2 * m1 * m2 + c1) * (2 * covariance + c2)) / ((m1 * m1 + m2 * m2 + c1) * (variance + c2))
  }
  return sum / cross.y.length
}

function momentsOf(picture, border) {
  const known = moments.get(picture)
  if (known?.border === border) return known
  const plane = crop(luma(picture), border)
  const square = blur({ ...plane, y: plane.y.map(value => value * value) })
  const found = { border, plane, mean: blur(plane), square }
  moments.set(picture, found)
  return found
}

const moments = new WeakMap()

function crop({ y, width, height }, border) {
  const [w, h] = [width - 2 * border, height - 2 * border]
  const cut = new Float64Array(w * h)
  for (let row = 0; row < h; row++) {
    const start = (row + border) * width + border
    cut.set(y.subarray(start, start + w), row * w)
  }
  return { y: cut, width: w, height: h }
}

const WINDOW = Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)))
const WINDOW_SUM = WINDOW.reduce((sum, value) => sum + value, 0)

function blur({ y, width, height }) {
  const w = width - 10
  const h = height - 10
  const across = new Float64Array(w * height)
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < w; column++) {
      const from = row * width + column
      let sum = 0
      for (let k = 0; k < 11; k++) sum += WINDOW[k] * y[from + k]
      across[row * w + column] = sum / WINDOW_SUM
    }
  }
  const out = new Float64Array(w * h)
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const from = row * w + column
      let sum = 0
      for (let k = 0; k < 11; k++) sum += WINDOW[k] * across[from + k * w]
      out[from] = sum / WINDOW_SUM
    }
  }
  return { y: out, width: w, height: h }
}

const REACH = 10
const PLATEAU = 4
const STRAIGHT = 5
const LEAST_CONTRAST = 64

/**
 * Looks at the isolated edges of the truth, along rows and columns, and at the same places of the result.
 * `rise`: mean 10-90 % distance over the truth's. `shift`: mean way of the 50 % crossing, output pixels.
 * `ringing`: mean overshoot beyond the plateaus, in percent of the edge.
 */
export function edges(result, truth) {
  const [got, want] = [luma(result), luma(truth)]
  const found = [scan(got, want, 1, want.width), scan(got, want, want.width, 1)]
  const all = found.flat()
  if (all.length < 20) return undefined
  const mean = (list, pick) => list.reduce((sum, edge) => sum + pick(edge), 0) / Math.max(list.length, 1)
  return {
    rise: mean(all, edge => edge.rise) / mean(all, edge => edge.trueRise),
    shift: Math.hypot(...found.map(list => mean(list, edge => edge.shift))),
    ringing: mean(all, edge => edge.overshoot) * 100,
  }
}

/** Edges along the direction with index step `step`; `other` is the step across. */
function scan(got, want, step, other) {
  const { width, height } = want
  const [length, lines] = step === 1 ? [width, height] : [height, width]
  const list = []
  for (let line = STRAIGHT; line < lines - STRAIGHT; line++) {
    const at = (plane, position) => plane.y[line * other + position * step]
    for (let p = REACH; p < length - REACH - 1; p++) {
      const [before, after] = [at(want, p - PLATEAU), at(want, p + 1 + PLATEAU)]
      const contrast = after - before
      if (Math.abs(contrast) < LEAST_CONTRAST) continue
      // The steepest place of a transition between two flat sides.
      if ((at(want, p) - before) / contrast >= 0.5 || (at(want, p + 1) - before) / contrast < 0.5) continue
      let isFlat = true
      for (let k = PLATEAU; k <= REACH && isFlat; k++) {
        isFlat = Math.abs(at(want, p - k) - before) < 2 && Math.abs(at(want, p + 1 + k) - after) < 2
      }
      if (!isFlat || !isStraight(want, line * other + p * step, step, other)) continue
      const profile = plane =>
        Array.from({ length: 2 * REACH + 2 }, (_, k) => (at(plane, p - REACH + k) - before) / contrast)
      const [result, truth] = [profile(got), profile(want)]
      const [low, middle, high] = [0.1, 0.5, 0.9].map(level => crossing(result, level))
      const [trueLow, trueMiddle, trueHigh] = [0.1, 0.5, 0.9].map(level => crossing(truth, level))
      list.push({
        rise: high - low,
        trueRise: trueHigh - trueLow,
        shift: middle - trueMiddle,
        overshoot: Math.max(0, ...result.map(value => Math.max(value - 1, -value))),
      })
    }
  }
  return list
}

/** True when the lines beside look the same, so that what is across the edge can't blur into it. */
function isStraight({ y }, index, step, other) {
  for (let k = -REACH; k <= REACH + 1; k++) {
    const here = y[index + k * step]
    for (let line = -STRAIGHT; line <= STRAIGHT; line++) {
      if (Math.abs(y[index + k * step + line * other] - here) > 2) return false
    }
  }
  return true
}

/** Where a rising profile last leaves `level` from below, between samples. */
function crossing(profile, level) {
  const middle = profile.findIndex((value, i) => i > 0 && value >= 0.5 && profile[i - 1] < 0.5)
  let i = middle < 0 ? REACH : middle
  while (i > 1 && profile[i - 1] >= level) i--
  while (i < profile.length - 1 && profile[i] < level) i++
  const [a, b] = [profile[i - 1], profile[i]]
  return b === a ? i : i - 1 + (level - a) / (b - a)
}

/** Mean CIEDE2000 over the pixels that `mask` selects. */
export function colourError(a, b, mask) {
  let sum = 0
  let count = 0
  for (let i = 0; i < a.width * a.height; i++) {
    if (!mask[i]) continue
    sum += deltaE(lab(a.data, i * 3), lab(b.data, i * 3))
    count++
  }
  return count === 0 ? undefined : sum / count
}

function lab(data, at) {
  const [r, g, b] = [0, 1, 2].map(k => {
    const value = data[at + k] / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  const f = t => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116)
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b)
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

/** CIEDE2000 after Sharma, Wu and Dalal (2005). */
export function deltaE([l1, a1, b1], [l2, a2, b2]) {
  const radians = Math.PI / 180
  const chroma = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2
  const g = 0.5 * (1 - Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7)))
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)]
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)]
  const hue = (b, p) => (b === 0 && p === 0 ? 0 : (Math.atan2(b, p) / radians + 360) % 360)
  const [h1, h2] = [hue(b1, p1), hue(b2, p2)]
  const [dl, dc] = [l2 - l1, c2 - c1]
  let dh = c1 * c2 === 0 ? 0 : h2 - h1
  if (dh > 180) dh -= 360
  if (dh < -180) dh += 360
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * radians)
  const [lm, cm] = [(l1 + l2) / 2, (c1 + c2) / 2]
  let hm = h1 + h2
  if (c1 * c2 !== 0) {
    hm = Math.abs(h1 - h2) <= 180 ? hm / 2 : hm < 360 ? (hm + 360) / 2 : (hm - 360) / 2
  }
  const cos = degrees => Math.cos(degrees * radians)
  const t = 1 - 0.17 * cos(hm - 30) + 0.24 * cos(2 * hm) + 0.32 * cos(3 * hm + 6) - 0.2 * cos(4 * hm - 63)
  const sl = 1 + (0.015 * (lm - 50) ** 2) / Math.sqrt(20 + (lm - 50) ** 2)
  const [sc, sh] = [1 + 0.045 * cm, 1 + 0.015 * cm * t]
  const rt =
    -2 *
    Math.sqrt(cm ** 7 / (cm ** 7 + 25 ** 7)) *
    Math.sin(60 * Math.exp(-(((hm - 275) / 25) ** 2)) * radians)
  return Math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dH / sh) ** 2 + rt * (dc / sc) * (dH / sh))
}

/** Edit distance over length. */
export function characterErrorRate(read, written) {
  const [a, b] = [read, written].map(text => text.replace(/\s+/g, ' ').trim())
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length] / b.length
}
