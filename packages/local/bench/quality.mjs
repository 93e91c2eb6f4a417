// Quality of the local engine beside resamplers. Needs the built packages.
//
//   node bench/quality.mjs                    the photographs in bench/sets, which everybody has
//   node bench/quality.mjs --sets FOLDER      folders of high-resolution pictures, by the papers' convention
//   node bench/quality.mjs --fonts FOLDER     the design set, with fonts that were never trained on
//   ... --scale 2 --only "local auto,sharp lanczos3" --save FOLDER
//   ... --jpeg 80                             the reduced pictures are saved as JPEG (4:2:0) first
//   ... --upscalerjs FOLDER                   adds UpscalerJS, installed there (README.md)
//
// Wants chromium, ImageMagick's convert and tesseract in PATH.
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { designSet } from './design.mjs'
import { characterErrorRate, colourError, edges, psnr, ssim } from './measures.mjs'
import { openMethods } from './methods.mjs'
import { decode, encode } from './pictures.mjs'
import { bicubic } from './resample.mjs'

const { values } = parseArgs({
  options: {
    sets: { type: 'string' },
    fonts: { type: 'string' },
    scale: { type: 'string', default: '2' },
    only: { type: 'string' },
    save: { type: 'string' },
    jpeg: { type: 'string' },
    upscalerjs: { type: 'string' },
  },
})
/** From here on nobody sees a difference; without a cap one exact page would outweigh all others. */
const EXACT_DB = 50
const scale = Number(values.scale)
const { methods, close } = await openMethods(scale, values.only?.split(','), values.upscalerjs)

const ownSets = fileURLToPath(new URL('sets', import.meta.url))
if (values.fonts === undefined || values.sets !== undefined) await measureSets(values.sets ?? ownSets)
if (values.fonts !== undefined) await measureDesign(values.fonts)
await close()

/** Reduces each original as MATLAB does, enlarges it, and compares the lumas less a border of `scale`. */
async function measureSets(folder) {
  const entries = await readdir(folder, { withFileTypes: true })
  const sets = entries.filter(entry => !entry.isFile()).map(entry => entry.name)
  const table = createTable(methods, sets)
  for (const set of sets) {
    for (const file of (await readdir(join(folder, set))).sort()) {
      const truth = await cropToMultiple(await readFile(join(folder, set, file)))
      const reduced = bicubic(truth, truth.width / scale, truth.height / scale)
      const small = values.jpeg === undefined ? reduced : await throughJpeg(reduced, Number(values.jpeg))
      for (const method of methods) {
        const result = await method.enlarge(small, scale)
        table.add(method.name, set, [psnr(result, truth, scale), ssim(result, truth, scale)])
        await save(`${set}-${file}-${method.name}`, result)
      }
    }
  }
  console.log(
    `\nPSNR-Y / SSIM, x${scale}, MATLAB bicubic reduction${values.jpeg === undefined ? '' : `, JPEG ${values.jpeg}`}\n`,
  )
  table.print(([p, s]) => `${p.toFixed(2)} / ${s.toFixed(4)}`)
}

async function throughJpeg(picture, quality) {
  const { width, height, channels } = picture
  const raw = { width, height, channels }
  return decode(await sharp(picture.data, { raw }).jpeg({ quality }).toBuffer())
}

async function cropToMultiple(png) {
  const { width, height } = await sharp(png).metadata()
  const [w, h] = [width - (width % scale), height - (height % scale)]
  return decode(await sharp(png).extract({ left: 0, top: 0, width: w, height: h }).png().toBuffer())
}

async function measureDesign(fonts) {
  const columns = ['PSNR-Y', 'SSIM', 'edge rise', 'shift', 'ringing %', 'halo ΔE', 'OCR text', 'OCR tiny']
  const table = createTable([{ name: 'truth' }, ...methods], columns)
  for await (const page of designSet(fonts, scale)) {
    if (page.kind === 'logo') {
      await measureLogo(page, table)
      continue
    }
    const [input, truth] = [await decode(page.input), await decode(page.truth)]
    await read('truth', page, truth, table)
    for (const method of methods) {
      const result = await method.enlarge(input, scale)
      await save(`${page.name}-${method.name}`, result)
      table.add(method.name, 'PSNR-Y', Math.min(psnr(result, truth, scale), EXACT_DB))
      table.add(method.name, 'SSIM', ssim(result, truth, scale))
      const found = page.kind === 'tiny' ? undefined : edges(result, truth)
      if (found !== undefined) {
        table.add(method.name, 'edge rise', found.rise)
        table.add(method.name, 'shift', found.shift)
        table.add(method.name, 'ringing %', found.ringing)
      }
      await read(method.name, page, result, table)
    }
  }
  console.log(`\nDesign set, x${scale}, native small rendering\n`)
  table.print(value => value.toFixed(3))
}

/** CIEDE2000 along the rim, on white and on black. */
async function measureLogo(page, table) {
  const on = (png, background) => sharp(png).flatten({ background }).png().toBuffer().then(decode)
  const mask = await rimOf(page.truth)
  for (const method of methods) {
    if (method.enlargeFile === undefined) continue
    const result = await method.enlargeFile(page.input, scale)
    for (const background of ['#ffffff', '#000000']) {
      const error = colourError(await on(result, background), await on(page.truth, background), mask)
      table.add(method.name, 'halo ΔE', error)
    }
    if (values.save !== undefined) await saveBytes(`${page.name}-${method.name}`, result)
  }
}

/** Pixels with partial alpha, and those within two of them. */
async function rimOf(png) {
  const { data, info } = await sharp(png).extractChannel(3).raw().toBuffer({ resolveWithObject: true })
  const mask = new Uint8Array(data.length)
  data.forEach((alpha, i) => {
    if (alpha === 0 || alpha === 255) return
    const [x, y] = [i % info.width, Math.floor(i / info.width)]
    for (let row = Math.max(0, y - 2); row <= Math.min(info.height - 1, y + 2); row++) {
      for (let column = Math.max(0, x - 2); column <= Math.min(info.width - 1, x + 2); column++) {
        mask[row * info.width + column] = 1
      }
    }
  })
  return mask
}

async function read(name, page, picture, table) {
  if (page.text === undefined) return
  const png = await encode(picture)
  const text = await new Promise((resolve, reject) => {
    const child = execFile('tesseract', ['-', '-', '--psm', '6', '--dpi', '150'], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
    child.stdin.end(png)
  })
  table.add(name, page.kind === 'tiny' ? 'OCR tiny' : 'OCR text', characterErrorRate(text, page.text))
}

async function save(name, picture) {
  if (values.save !== undefined) await saveBytes(name, await encode(picture))
}

async function saveBytes(name, png) {
  await mkdir(values.save, { recursive: true })
  await writeFile(join(values.save, `${name.replace(/[^\w.-]+/g, '-')}-x${scale}.png`), png)
}

/** Means by method and column; a value may be a list of numbers. */
function createTable(rows, columns) {
  const cells = new Map()
  return {
    add(row, column, value) {
      const key = `${row}|${column}`
      cells.set(key, [...(cells.get(key) ?? []), [value].flat()])
    },
    print(format) {
      console.log(`| method | ${columns.join(' | ')} |\n| --- |${columns.map(() => ' --- |').join('')}`)
      for (const { name } of rows) {
        const texts = columns.map(column => {
          const list = cells.get(`${name}|${column}`)
          if (list === undefined) return '–'
          const mean = list[0].map((_, k) => list.reduce((sum, one) => sum + one[k], 0) / list.length)
          return format(mean.length === 1 ? mean[0] : mean)
        })
        console.log(`| ${name} | ${texts.join(' | ')} |`)
      }
    },
  }
}
