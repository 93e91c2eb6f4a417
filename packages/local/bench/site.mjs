// The numbers of the site's page on engines, into docs/data/engines.json. Needs the built packages:
//
//   pnpm build && pnpm bench:site
//
// Speed: each picture of the Vite example, twice as large, best of three; the sum over all of them. Processor time,
// since it is what other work on the machine changes least. Likeness: the same pictures are halved (MATLAB's bicubic,
// as the papers do it), enlarged again, and compared with what they were.
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { basename } from 'node:path'
import { psnr, ssim } from './measures.mjs'
import { openMethods } from './methods.mjs'
import { decode } from './pictures.mjs'
import { bicubic } from './resample.mjs'

const RUNS = 3
const SCALE = 2
const PICTURES = ['poster.png', 'editor.png', 'chart.png', 'map.png', 'lake.jpg', 'scenes/dunes.jpg']
/** Name of the method here, and of the engine on the page. */
const ENGINES = { resize: 'resize', 'local fast': 'fast', 'local auto': 'local' }

const pictures = await Promise.all(
  PICTURES.map(async name => ({
    name: basename(name),
    image: even(
      await decode(await readFile(new URL(`../../../examples/vite/src/pictures/${name}`, import.meta.url))),
    ),
  })),
)
const { methods, close } = await openMethods(SCALE, Object.keys(ENGINES))
const engines = []
for (const method of methods) {
  const measured = { engine: ENGINES[method.name], ...(await speedOf(method)), likeness: [] }
  for (const { name, image } of pictures) {
    const half = bicubic(image, image.width / SCALE, image.height / SCALE)
    const again = await method.enlarge(half, SCALE)
    measured.likeness.push({
      picture: name,
      psnr: rounded(psnr(again, image, SCALE), 2),
      ssim: rounded(ssim(again, image, SCALE), 4),
    })
  }
  engines.push(measured)
}
await close()

const data = {
  command: 'pnpm build && pnpm bench:site',
  machine: `${cpus()[0].model.trim()}, ${availableParallelism()} processors, Node ${process.versions.node}`,
  engines,
}
await writeFile(
  new URL('../../../docs/data/engines.json', import.meta.url),
  `${JSON.stringify(data, undefined, 2)}\n`,
)
console.log(JSON.stringify(data, undefined, 2))

async function speedOf(method) {
  let pixels = 0
  let wall = 0
  let processor = 0
  for (const { image } of pictures) {
    const best = { wall: Infinity, processor: Infinity }
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now()
      const usage = process.cpuUsage()
      await method.enlarge(image, SCALE)
      const spent = process.cpuUsage(usage)
      best.wall = Math.min(best.wall, (performance.now() - start) / 1e3)
      best.processor = Math.min(best.processor, (spent.user + spent.system) / 1e6)
    }
    pixels += image.width * image.height
    wall += best.wall
    processor += best.processor
  }
  const perMegapixel = seconds => rounded(seconds / (pixels / 1e6), 2)
  return { secondsPerMegapixel: perMegapixel(wall), processorSecondsPerMegapixel: perMegapixel(processor) }
}

/** Halving wants even sides. */
function even({ data, width, height, channels }) {
  const [w, h] = [width - (width % SCALE), height - (height % SCALE)]
  const cut = new Uint8Array(w * h * channels)
  for (let row = 0; row < h; row++) {
    cut.set(data.subarray(row * width * channels, (row * width + w) * channels), row * w * channels)
  }
  return { data: cut, width: w, height: h, channels }
}

function rounded(value, digits) {
  return Number(value.toFixed(digits))
}
