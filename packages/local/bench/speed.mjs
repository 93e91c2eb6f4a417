// Seconds per input megapixel and peak memory. Needs the built packages.
//
//   node bench/speed.mjs [--megapixels 1,8] [--scales 2,3,4] [--threads 2]
//
// Every line is measured in a process of its own: the best of some runs, since other work on the machine only ever
// makes it slower. Processor time is beside the wall clock for the same reason. The picture is noise, so that no
// tile is skipped for being flat.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    megapixels: { type: 'string', default: '1,8' },
    scales: { type: 'string', default: '2,3,4' },
    threads: { type: 'string', default: String(availableParallelism()) },
    method: { type: 'string' },
    runs: { type: 'string', default: '3' },
  },
})
const numbers = text => text.split(',').map(Number)

if (values.method === undefined) compareAll()
else
  console.log(JSON.stringify(await measure(values.method, Number(values.megapixels), Number(values.scales))))

function compareAll() {
  console.log(
    '| method | scale | megapixels | s/MP | CPU s/MP | peak MB above input and output |\n| --- | --- | --- | --- | --- | --- |',
  )
  for (const method of ['auto', 'quality', 'design', 'fast', 'sharp']) {
    for (const scale of numbers(values.scales)) {
      for (const megapixels of numbers(values.megapixels)) {
        const line = measureApart(method, scale, megapixels)
        if (line === undefined) continue
        const cells = [line.wall.toFixed(2), line.cpu.toFixed(2), line.memory.toFixed(0)]
        console.log(`| ${method} | x${scale} | ${megapixels} | ${cells.join(' | ')} |`)
      }
    }
  }
}

function measureApart(method, scale, megapixels) {
  const args = [
    '--method',
    method,
    '--scales',
    scale,
    '--megapixels',
    megapixels,
    '--threads',
    values.threads,
  ]
  const script = fileURLToPath(import.meta.url)
  try {
    const text = execFileSync(process.execPath, [script, ...args.map(String), '--runs', values.runs], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return JSON.parse(text.toString())
  } catch (error) {
    console.log(
      `| ${method} | x${scale} | ${megapixels} | ${String(error.stderr).match(/\w+Error: .*/)?.[0]} | | |`,
    )
    return undefined
  }
}

async function measure(method, megapixels, scale) {
  const side = Math.round(Math.sqrt(megapixels * 1e6))
  const enlarge = await openMethod(method)
  const data = new Uint8Array(side * side * 3)
  for (let i = 0; i < data.length; i++) data[i] = Math.imul(i, 2654435761) >>> 13
  const image = { data, width: side, height: side, channels: 3 }
  const idle = process.memoryUsage().rss
  const best = { wall: Infinity, cpu: Infinity }
  for (let run = 0; run < Number(values.runs); run++) {
    const start = performance.now()
    const cpu = process.cpuUsage()
    await enlarge(image, scale)
    const spent = process.cpuUsage(cpu)
    const unit = (side * side) / 1e6
    best.wall = Math.min(best.wall, (performance.now() - start) / 1e3 / unit)
    best.cpu = Math.min(best.cpu, (spent.user + spent.system) / 1e6 / unit)
    globalThis.gc?.()
  }
  // One result is alive besides the one being made, until it is collected.
  const pictures = data.length * scale * scale * Math.min(2, Number(values.runs))
  return { ...best, memory: (process.resourceUsage().maxRSS * 1024 - idle - pictures) / 1e6 }
}

async function openMethod(method) {
  if (method === 'sharp') {
    const { default: sharp } = await import('sharp')
    return ({ data, width, height, channels }, scale) =>
      sharp(data, { raw: { width, height, channels } })
        .resize({ width: width * scale, kernel: 'lanczos3' })
        .raw()
        .toBuffer()
  }
  const { local } = await import('upscale-local')
  const engine = local({ model: method, threads: Number(values.threads) })
  const context = { signal: new AbortController().signal, env: {} }
  return (image, scale) => engine.upscale({ image, scale, params: {} }, context)
}
