// How true straight lines come out: boxes of 20 px with a border of 1 to 4 px, any two steps of a palette.

export const WIDTHS = [1, 2, 3, 4]

const SIDE = 32
const BOX = { from: 6, to: 26 }
/** Lightness of a palette's steps, per cent; each in a dull and a strong colour. */
const LIGHTNESS = [98, 96, 91, 84, 74, 62, 50, 38, 27, 18, 10]
const SATURATION = [0.1, 0.9]
const PAIRS = 60

/**
 * The mean over colours of the largest error inside a line, levels of 255, for each of WIDTHS. What lies half a pixel of
 * the input from a line's rim isn't looked at, but of lines of one pixel.
 */
export async function lineErrors(method, scale) {
  const errors = []
  for (const width of WIDTHS) {
    let sum = 0
    const pairs = colourPairs()
    for (const [ground, ink] of pairs) {
      sum += worst(await method.enlarge(frame(ground, ink, width), scale), ink, width, scale)
    }
    errors.push(sum / pairs.length)
  }
  return errors
}

/** The first is the commonest border there is: grey 200 on white. */
function colourPairs() {
  let state = 7
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const any = list => list[Math.floor(random() * list.length)]
  const shade = () => fromHsl(random(), any(SATURATION), any(LIGHTNESS) / 100)
  return [
    [
      [255, 255, 255],
      [229, 231, 235],
    ],
    ...Array.from({ length: PAIRS }, () => [shade(), shade()]),
  ]
}

function fromHsl(hue, saturation, lightness) {
  const reach = saturation * Math.min(lightness, 1 - lightness)
  return [0, 8, 4].map(n => {
    const k = (n + hue * 12) % 12
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  })
}

function frame(ground, ink, width) {
  const data = new Uint8Array(SIDE * SIDE * 3)
  const isBorder = (x, y) => {
    const depth = Math.min(x - BOX.from, y - BOX.from, BOX.to - 1 - x, BOX.to - 1 - y)
    return depth >= 0 && depth < width
  }
  for (let i = 0; i < SIDE * SIDE; i++) {
    data.set(isBorder(i % SIDE, Math.floor(i / SIDE)) ? ink : ground, i * 3)
  }
  return { data, width: SIDE, height: SIDE, channels: 3 }
}

/** Of the left and the upper side, away from the corners. */
function worst({ data, width: rowPixels }, ink, width, scale) {
  const rim = width > 1 ? Math.floor(scale / 2) : 0
  let most = 0
  for (let across = BOX.from * scale + rim; across < (BOX.from + width) * scale - rim; across++) {
    for (let along = 12 * scale; along < 20 * scale; along++) {
      for (const at of [across * rowPixels + along, along * rowPixels + across]) {
        for (let c = 0; c < 3; c++) most = Math.max(most, Math.abs(data[at * 3 + c] - ink[c]))
      }
    }
  }
  return most
}
