// Folders of pictures, by the papers' convention.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { psnr, ssim } from './measures.mjs'
import { decode } from './pictures.mjs'
import { bicubic } from './resample.mjs'

/**
 * Reduces each picture as MATLAB does, enlarges it, and compares the lumas less a border of `scale`. Yields
 * { set, file, method, result, psnr, ssim }.
 *
 * @param folder holds a folder for each set
 * @param damage what the reduced pictures go through first: `noise`, the standard deviation on each colour in levels of
 *   255, then `jpeg`, the quality of a JPEG (4:2:0); neither by default
 */
export async function* measureSets(folder, methods, scale, damage) {
  for (const set of await setsIn(folder)) {
    for (const file of (await readdir(join(folder, set))).sort()) {
      const truth = await cropToMultiple(await readFile(join(folder, set, file)), scale)
      const reduced = bicubic(truth, truth.width / scale, truth.height / scale)
      const small = await damaged(reduced, damage)
      for (const method of methods) {
        const result = await method.enlarge(small, scale)
        const likeness = { psnr: psnr(result, truth, scale), ssim: ssim(result, truth, scale) }
        yield { set, file, method: method.name, result, ...likeness }
      }
    }
  }
}

export async function setsIn(folder) {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter(entry => !entry.isFile()).map(entry => entry.name)
}

async function damaged(picture, { noise, jpeg }) {
  const noisy = noise === undefined ? picture : withNoise(picture, noise)
  return jpeg === undefined ? noisy : throughJpeg(noisy, jpeg)
}

/** Gaussian, the same each time. */
function withNoise(picture, deviation) {
  let state = 1
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  const gaussian = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  const data = Uint8ClampedArray.from(picture.data, value => value + deviation * gaussian())
  return { ...picture, data: new Uint8Array(data.buffer) }
}

async function throughJpeg(picture, quality) {
  const { width, height, channels } = picture
  const raw = { width, height, channels }
  return decode(await sharp(picture.data, { raw }).jpeg({ quality }).toBuffer())
}

async function cropToMultiple(png, scale) {
  const { width, height } = await sharp(png).metadata()
  const [w, h] = [width - (width % scale), height - (height % scale)]
  return decode(await sharp(png).extract({ left: 0, top: 0, width: w, height: h }).png().toBuffer())
}
