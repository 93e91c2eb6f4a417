// Quality of the local engine beside resamplers. Needs the built packages.
//
//   node bench/quality.mjs                    the photographs in bench/sets, which everybody has, and straight lines:
//                                             all numbers of the site's page on quality, into docs/data/quality.json
//   node bench/quality.mjs --sets FOLDER      folders of high-resolution pictures, by the papers' convention
//   node bench/quality.mjs --fonts FOLDER     the design set, with fonts that were never trained on
//   ... --scale 2 --only "local auto,sharp lanczos3" --save FOLDER
//   ... --jpeg 80                             the reduced pictures are saved as JPEG (4:2:0) first
//   ... --noise 12                            Gaussian noise on the reduced pictures, in levels of 255
//   ... --upscalerjs FOLDER                   adds UpscalerJS, installed there (README.md), to what is published too
//
// Wants ImageMagick's convert in PATH, the design set also chromium and tesseract.
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { designSet } from './design.mjs'
import { lineErrors, WIDTHS } from './lines.mjs'
import { characterErrorRate, colourError, edges, psnr, ssim } from './measures.mjs'
import { openMethods } from './methods.mjs'
import { decode, encode } from './pictures.mjs'
import { measureSets, setsIn } from './sets.mjs'
import { createTable } from './table.mjs'

const { values } = parseArgs({
  options: {
    sets: { type: 'string' },
    fonts: { type: 'string' },
    scale: { type: 'string', default: '2' },
    only: { type: 'string' },
    save: { type: 'string' },
    jpeg: { type: 'string' },
    noise: { type: 'string' },
    upscalerjs: { type: 'string' },
  },
})
/** From here on nobody sees a difference; without a cap one exact page would outweigh all others. */
const EXACT_DB = 50
const PUBLIC = fileURLToPath(new URL('sets', import.meta.url))
const PUBLISHED = new URL('../../../docs/data/quality.json', import.meta.url)
/** What is published: at each factor, and at the first also what compression leaves. */
const PHOTOGRAPHS = [
  { scale: 2 },
  { scale: 2, jpeg: 80 },
  { scale: 2, noise: 12 },
  { scale: 3 },
  { scale: 4 },
]

const scale = Number(values.scale)
const damage = { jpeg: numberOf(values.jpeg), noise: numberOf(values.noise) }
const isDamaged = damage.jpeg !== undefined || damage.noise !== undefined
if (values.sets === undefined && values.fonts === undefined && !isDamaged) await publish()
if (values.sets !== undefined || isDamaged)
  await withMethods(scale, methods => photographs(values.sets ?? PUBLIC, methods, { scale, ...damage }))
if (values.fonts !== undefined) await withMethods(scale, methods => measureDesign(values.fonts, methods))

function numberOf(text) {
  return text === undefined ? undefined : Number(text)
}

async function withMethods(scale, work) {
  const { methods, close } = await openMethods(scale, values.only?.split(','), values.upscalerjs)
  const result = await work(methods)
  await close()
  return result
}

/** Measures what the site's page says, and writes it there unless methods or factors were left out. */
async function publish() {
  const found = []
  for (const setting of PHOTOGRAPHS) {
    found.push(await withMethods(setting.scale, methods => photographs(PUBLIC, methods, setting)))
  }
  const lines = await withMethods(2, methods => straightLines(methods.filter(one => !one.startsProcess)))
  if (values.only !== undefined) return
  const peers = values.upscalerjs === undefined ? '' : ' --upscalerjs FOLDER'
  const data = { command: `pnpm build && pnpm bench:quality${peers}`, photographs: found, lines }
  await writeFile(PUBLISHED, `${JSON.stringify(data, undefined, 2)}\n`)
}

async function photographs(folder, methods, { scale, ...damage }) {
  const names = methods.map(({ name }) => name)
  const table = createTable(names, await setsIn(folder))
  const gains = {}
  for await (const one of measureSets(folder, methods, scale, damage)) {
    table.add(one.method, one.set, [one.psnr, one.ssim])
    const picture = basename(one.file, '.png').replace('-lossless', '')
    if (one.method === 'local auto') gains[picture] = (gains[picture] ?? 0) + one.psnr
    if (one.method === 'bicubic (exact)') gains[picture] = (gains[picture] ?? 0) - one.psnr
    await save(`${one.set}-${one.file}-${one.method}`, one.result, scale)
  }
  const done = Object.entries(damage).filter(([, value]) => value !== undefined)
  const words = done.map(([kind, value]) => `, ${kind} ${value}`).join('')
  console.log(`\nPSNR-Y / SSIM, x${scale}, MATLAB bicubic reduction${words}\n`)
  table.print(([p, s]) => `${p.toFixed(2)} / ${s.toFixed(4)}`)
  const [set] = await setsIn(folder)
  const rows = names.map(name => {
    const [p, s] = table.mean(name, set)
    return { method: name, psnr: rounded(p, 2), ssim: rounded(s, 4) }
  })
  const gainOf = Object.fromEntries(Object.entries(gains).map(([name, gain]) => [name, rounded(gain, 2)]))
  return { scale, ...damage, methods: rows, gainOverBicubic: gainOf }
}

async function straightLines(methods) {
  const columns = WIDTHS.map(width => `${width} px`)
  const table = createTable(
    methods.map(({ name }) => name),
    columns,
  )
  const rows = []
  for (const method of methods) {
    const errors = await lineErrors(method, 2)
    errors.forEach((error, index) => {
      table.add(method.name, columns[index], error)
    })
    rows.push({ method: method.name, errors: errors.map(error => rounded(error, 1)) })
  }
  console.log('\nLevels of 255 by which straight lines are off, x2\n')
  table.print(value => value.toFixed(1))
  return { widths: WIDTHS, methods: rows }
}

function rounded(value, digits) {
  return Number(value.toFixed(digits))
}

async function measureDesign(fonts, methods) {
  const columns = ['PSNR-Y', 'SSIM', 'edge rise', 'shift', 'ringing %', 'halo ΔE', 'OCR text', 'OCR tiny']
  const table = createTable(['truth', ...methods.map(({ name }) => name)], columns)
  for await (const page of designSet(fonts, scale)) {
    if (page.kind === 'logo') {
      await measureLogo(page, methods, table)
      continue
    }
    const [input, truth] = [await decode(page.input), await decode(page.truth)]
    await read('truth', page, truth, table)
    for (const method of methods) {
      const result = await method.enlarge(input, scale)
      await save(`${page.name}-${method.name}`, result, scale)
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
async function measureLogo(page, methods, table) {
  const on = (png, background) => sharp(png).flatten({ background }).png().toBuffer().then(decode)
  const mask = await rimOf(page.truth)
  for (const method of methods) {
    if (method.enlargeFile === undefined) continue
    const result = await method.enlargeFile(page.input, scale)
    for (const background of ['#ffffff', '#000000']) {
      const error = colourError(await on(result, background), await on(page.truth, background), mask)
      table.add(method.name, 'halo ΔE', error)
    }
    if (values.save !== undefined) await saveBytes(`${page.name}-${method.name}`, result, scale)
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

async function save(name, picture, scale) {
  if (values.save !== undefined) await saveBytes(name, await encode(picture), scale)
}

async function saveBytes(name, png, scale) {
  await mkdir(values.save, { recursive: true })
  await writeFile(join(values.save, `${name.replace(/[^\w.-]+/g, '-')}-x${scale}.png`), png)
}
