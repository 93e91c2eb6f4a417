// Bicubic as MATLAB's imresize does it (a = -0.5, widened when reducing, edges mirrored), rounded to bytes: the
// papers' way from the original to the small picture, and their baseline back.

export function bicubic(picture, width, height) {
  const across = resizeAxis(Float64Array.from(picture.data), picture.width, picture.height, width)
  const turned = transpose(across, width, picture.height)
  const down = transpose(resizeAxis(turned, picture.height, width, height), height, width)
  return {
    ...picture,
    data: Uint8Array.from(down, value => Math.min(Math.max(Math.round(value), 0), 255)),
    width,
    height,
  }
}

function resizeAxis(data, length, lines, target) {
  const scale = target / length
  const stretch = Math.min(scale, 1)
  const out = new Float64Array(target * lines * 3)
  for (let x = 0; x < target; x++) {
    const centre = (x + 0.5) / scale - 0.5
    const first = Math.floor(centre - 2 / stretch) + 1
    const weights = []
    const places = []
    for (let k = first; k < centre + 2 / stretch; k++) {
      weights.push(cubic((k - centre) * stretch))
      places.push(mirror(k, length))
    }
    const sum = weights.reduce((total, weight) => total + weight, 0)
    for (let line = 0; line < lines; line++) {
      for (let c = 0; c < 3; c++) {
        let value = 0
        for (let k = 0; k < weights.length; k++) {
          value += weights[k] * data[(line * length + places[k]) * 3 + c]
        }
        out[(line * target + x) * 3 + c] = value / sum
      }
    }
  }
  return out
}

function cubic(distance) {
  const x = Math.abs(distance)
  if (x <= 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0
}

function mirror(index, length) {
  const period = 2 * length
  const inside = ((index % period) + period) % period
  return inside < length ? inside : period - 1 - inside
}

function transpose(data, width, height) {
  const out = new Float64Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) out[(x * height + y) * 3 + c] = data[(y * width + x) * 3 + c]
    }
  }
  return out
}
