/** Photograph-like scenes: a colour for every point, `x` from 0 to the aspect ratio, `y` from 0 to 1 downwards. */
import { blend, clamp, crests, hash, layers, mix, noise, step } from './noise.mjs'

const SHORE = 0.585

/** A lake below mountains, in the evening. */
export function lake(x, y) {
  if (y < SHORE) return lakeShore(x, y)
  const depth = (y - SHORE) / (1 - SHORE)
  // Waves are finer and flatter towards the far shore.
  const far = 1 / (0.05 + depth)
  const wave = layers(x * 3.2 * far ** 0.45, far * 5.5, 71, 4) - 0.5
  const ripple = layers(x * 16 * far ** 0.3, far * 19, 75, 3) - 0.5
  const tilt = wave * 0.7 + ripple * 0.6
  const mirrored = SHORE - (y - SHORE) * 1.06 - tilt * (0.012 + 0.075 * depth)
  const seen = lakeShore(x + tilt * 0.02, clamp(mirrored, 0.004, SHORE - 0.002))
  const deep = blend([28, 52, 70], [9, 23, 36], depth)
  const shine = 0.8 - 0.42 * depth + tilt * 0.5
  const water = blend(deep, seen, clamp(shine))
  const glitter = step(0.1, 0.24, ripple + wave * 0.5) * Math.exp(-(((x - 1.09) / (0.05 + depth * 0.2)) ** 2))
  return blend(water, [255, 224, 178], clamp(glitter * 0.75 + 0.22 * step(0.02, 0, depth)))
}

function lakeShore(x, y) {
  const trees = treeLine(x, 0.577, 0.066, 51)
  if (y > trees) return forest(x, y, trees)
  const near = treeLine(
    x,
    0.535 - 0.17 * (crests(x * 1.4 + 4.2, 0.5, 31) - 0.5) - 0.05 * step(0.8, 0.1, x),
    0.014,
    57,
  )
  if (y > near) return slope(x, y, near, [44, 62, 72], [122, 116, 104], 41)
  const middle =
    0.44 - 0.4 * (crests(x * 1.15 + 1.3, 0.2, 21) - 0.55) - 0.15 * Math.exp(-(((x - 0.5) / 0.24) ** 2))
  if (y > middle) return peak(x, y, middle)
  const distant = 0.42 - 0.16 * (crests(x * 1.6 + 9.1, 0.8, 11) - 0.5)
  if (y > distant)
    return blend(slope(x, y, distant, [128, 146, 170], [214, 180, 160], 43), [240, 200, 168], 0.35)
  return eveningSky(x, y)
}

function eveningSky(x, y) {
  const height = y / 0.45
  const base =
    height < 0.55
      ? blend([48, 86, 138], [132, 168, 200], height / 0.55)
      : blend([132, 168, 200], [252, 212, 164], clamp((height - 0.55) / 0.45))
  const distance = Math.hypot(x - 1.09, (y - 0.4) * 1.25)
  const warm = blend(base, [255, 220, 160], 0.75 * Math.exp(-distance * 3.4))
  const bank = layers(x * 1.7 + y, y * 7.5 - x * 0.4, 3, 6)
  const body = step(0.5, 0.74, bank) * step(0.02, 0.14, y) * step(0.46, 0.28, y)
  const lit = layers(x * 1.7 + y + 0.03, y * 7.5 - x * 0.4 + 0.2, 3, 6)
  const cloud = blend(
    [176, 158, 172],
    [255, 226, 196],
    clamp(0.55 + (lit - bank) * 5 + Math.exp(-distance * 2) * 0.6),
  )
  return blend(warm, cloud, body * 0.86)
}

/** The high mountain: rock lit from the right, snow where it is high and not too steep. */
function peak(x, y, crest) {
  const below = y - crest
  const face = crests(x * 4.6 + below * 5.5, below * 6.5 + x * 1.2, 23)
  const beside = crests((x + 0.012) * 4.6 + below * 5.5, below * 6.5 + (x + 0.012) * 1.2, 23)
  const light = clamp(0.47 + (face - beside) * 7 + (noise(x * 90, y * 90, 25) - 0.5) * 0.16)
  const rock = blend([50, 64, 88], [172, 142, 124], light)
  const snow = blend([126, 148, 186], [255, 240, 226], clamp(light * 1.15))
  const line = 0.3 + 0.14 * (layers(x * 7, y * 9, 27, 4) - 0.5)
  const cover = step(line + 0.06, line - 0.06, y) * step(0.36, 0.5, face + 0.06)
  const haze = 0.1 + 0.42 * step(0.2, 0.56, y)
  return blend(blend(rock, snow, cover), [206, 188, 182], haze)
}

function slope(x, y, crest, dark, light, seed) {
  const below = y - crest
  const face = crests(x * 6 + below * 3, below * 9, seed)
  const wood = layers(x * 75, y * 60, seed + 3, 3)
  return blend(dark, light, clamp(0.16 + (face - 0.5) * 0.8 + (wood - 0.5) * 0.75 + below * 0.9))
}

/** The upper edge of a row of firs standing on `ground`, their tips up to `height` above it. */
function treeLine(x, ground, height, seed) {
  let top = ground + 0.012 * (layers(x * 5, 0, seed + 9, 3) - 0.5)
  for (const [spacing, scale] of [
    [0.011, 1],
    [0.017, 1.25],
    [0.029, 1.7],
  ]) {
    const slot = Math.floor(x / spacing)
    for (let index = slot - 1; index <= slot + 1; index++) {
      const chance = hash(index, Math.round(scale * 100), seed)
      const grove = layers(index * spacing * 2.6, 2, seed + 5, 2)
      const tall = height * scale * (0.25 + 0.75 * chance) * step(0.26, 0.66, grove)
      const middle = (index + 0.2 + 0.6 * hash(index, 7, seed)) * spacing
      const away = Math.abs(x - middle) / (spacing * 0.62)
      const tiers = 1 + 0.22 * Math.sin(away * 21 + chance * 9)
      const tip = ground - tall * clamp(1 - away * tiers) ** 0.85
      if (away < 1.05 && tip < top) top = tip
    }
  }
  return top
}

function forest(x, y, top) {
  const needles = layers(x * 130, y * 150, 61, 2)
  const dark = blend([20, 33, 36], [58, 66, 52], clamp((needles - 0.35) * 1.3))
  const rim = Math.exp(-(y - top) * 150) * 0.35
  return blend(blend(dark, [214, 170, 120], rim), [196, 176, 160], 0.1)
}

/** Sand dunes in low light. */
export function dunes(x, y) {
  const skyline = 0.36 + 0.035 * Math.sin(x * 2.4 + 0.8)
  let colour = blend(blend([92, 132, 176], [244, 214, 180], clamp(y / 0.36) ** 1.2), [255, 238, 210], 0)
  if (y > skyline - 0.03) {
    const faint = 0.345 - 0.05 * layers(x * 2.2, 0, 5, 4)
    if (y > faint) colour = blend([214, 176, 150], [232, 190, 152], clamp((y - faint) * 9))
  }
  for (let ridge = 0; ridge < 5; ridge++) {
    const near = ridge / 4
    const base = mix(0.4, 0.86, near ** 1.25)
    const swing = mix(0.035, 0.17, near)
    const edge =
      base +
      swing * (Math.sin(x * mix(3.4, 1.9, near) + ridge * 2.1) * 0.6 + layers(x * 1.5, ridge, 15, 3) - 0.8)
    if (y < edge) continue
    // The crest winds down the dune and parts the lit side from the shadow.
    const below = y - edge
    const crest =
      0.35 + 0.75 * hash(ridge, 3, 8) + 0.5 * Math.sin(below * mix(9, 3.5, near) + ridge) * mix(0.3, 1, near)
    const lit = step(-0.012, 0.02, x - crest - below * 0.55)
    const bend = x * 6 + layers(x * 3, y * 5, 25 + ridge, 3) * 5
    const ripples =
      Math.sin(below * mix(420, 150, near) + bend * 2.2) * mix(0.02, 0.075, near) * (0.4 + 0.6 * lit)
    const grain = (noise(x * 520, y * 520, 33) - 0.5) * 0.07
    const sand = blend(
      [126, 74, 58],
      [238, 178, 112],
      clamp(0.06 + lit * 0.8 - below * 0.35 + ripples + grain),
    )
    const rim = Math.exp(-below * 140) * (0.25 + 0.5 * lit)
    colour = blend(blend(sand, [255, 226, 176], rim), [226, 184, 156], 0.5 * (1 - near) ** 1.6)
  }
  return colour
}

/** A clear night over hills, with a lit hut. */
export function night(x, y) {
  const far = 0.74 - 0.13 * (crests(x * 1.5 + 2, 0.4, 81) - 0.45)
  const near = treeLine(x, 0.87 - 0.05 * Math.sin(x * 2 + 0.5), 0.1, 91)
  if (y > near)
    return hut(x, y) ?? blend([7, 12, 20], [22, 32, 38], clamp(layers(x * 90, y * 110, 95, 2) - 0.25))
  if (y > far) {
    const snow = crests(x * 5 + (y - far) * 4, y * 8, 85)
    return blend(
      blend([18, 30, 54], [74, 96, 132], clamp((snow - 0.45) * 1.9)),
      [40, 66, 92],
      step(0.7, 0.9, y) * 0.7,
    )
  }
  const sky = blend([8, 14, 40], [40, 78, 112], clamp(y / 0.78) ** 1.5)
  const band = Math.exp(
    -(((x * 0.62 - y * 0.9 - 0.28 + 0.12 * (layers(x * 3, y * 3, 97, 4) - 0.5)) / 0.17) ** 2),
  )
  const dust = layers(x * 5, y * 5, 99, 6)
  const milky = blend(sky, [196, 186, 214], clamp(band * (dust * 1.1 - 0.22) * 0.75))
  const curtain = layers(x * 2.4, 0.5, 103, 3)
  const hem = 0.56 + 0.16 * (layers(x * 1.3, 3, 105, 3) - 0.5)
  const rays = 0.45 + 0.55 * layers(x * 26, y * 1.4, 107, 3)
  const glow = step(hem + 0.05, hem - 0.03, y) * Math.exp(-(hem - y) * 3.8) * step(0.22, 0.6, curtain) * rays
  const lit = blend(milky, blend([88, 236, 168], [126, 96, 220], clamp((hem - y) * 3.2)), clamp(glow * 0.85))
  return lit.map((value, channel) => value + stars(x, y, band)[channel])
}

function stars(x, y, band) {
  let light = 0
  let warmth = 0
  for (const [cells, chance, size] of [
    [22, 0.4, 0.0024],
    [70, 0.22 + band * 0.4, 0.0014],
  ]) {
    const column = Math.floor(x * cells)
    const row = Math.floor(y * cells)
    if (hash(column, row, cells) > chance) continue
    const away = Math.hypot(
      x - (column + 0.15 + 0.7 * hash(column, row, cells + 1)) / cells,
      y - (row + 0.15 + 0.7 * hash(column, row, cells + 2)) / cells,
    )
    const power = hash(column, row, cells + 3) ** 3
    light += (0.25 + power) * Math.exp(-((away / (size * (0.6 + power))) ** 2))
    warmth = hash(column, row, cells + 4) - 0.5
  }
  return [230 * light * (1 + 0.2 * warmth), 232 * light, 240 * light * (1 - 0.2 * warmth)]
}

function hut(x, y) {
  const across = (x - 1.06) / 0.075
  const up = (0.925 - y) / 0.062
  if (up < -0.15 || up > 1.7 || Math.abs(across) > 1.25) return undefined
  const roof = 1.62 - Math.abs(across) * 0.78
  if (up > roof) return undefined
  if (up > 0.82) return up > roof - 0.13 ? [132, 152, 178] : [30, 34, 44]
  if (Math.abs(across) > 1) return undefined
  if (up < 0) return [40, 36, 34]
  const pane = Math.abs(Math.abs(across) - 0.48)
  const window = pane < 0.24 && up > 0.24 && up < 0.68
  if (window) return pane < 0.022 || Math.abs(up - 0.47) < 0.03 ? [70, 44, 24] : [255, 206, 116]
  const boards = 0.75 + 0.25 * Math.sign(Math.sin(up * 34))
  return blend(
    [38, 28, 26].map(value => value * boards),
    [196, 128, 60],
    0.35 * Math.exp(-Math.max(0, pane - 0.24) * 9),
  )
}
