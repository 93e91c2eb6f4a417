// One tile of a network of the default's shape in ONNX Runtime (WebAssembly and native) and in the kernel here.
//
//   npm install --prefix FOLDER onnxruntime-web onnxruntime-node
//   node bench/runtimes.mjs --runtimes FOLDER [--channels 32] [--layers 10] [--threads 1]
//
// Processor time is what to compare on a machine that others use too.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { local } from 'upscale-local'
import { onnxNetwork } from './onnx.mjs'

const { values } = parseArgs({
  options: {
    runtimes: { type: 'string' },
    channels: { type: 'string', default: '32' },
    layers: { type: 'string', default: '10' },
    threads: { type: 'string', default: '1' },
  },
})
const threads = Number(values.threads)
const layers = Number(values.layers)
const sizes = [3, ...Array(layers - 1).fill(Number(values.channels)), 12]
const SIDE = 256
const RUNS = 12
const pixels = SIDE * SIDE
const halo = layers
const multiplications = sizes.slice(1).reduce((sum, outputs, i) => sum + 9 * outputs * sizes[i], 0)

console.log(
  `${sizes.join('-')}: ${multiplications} multiplications a pixel, tile of ${SIDE}, ${threads} thread(s)\n`,
)
console.log('| runtime | s/MP | CPU s/MP | GMAC/s of CPU |\n| --- | --- | --- | --- |')
await measureLocal()
if (values.runtimes !== undefined) {
  await measureOnnx('onnxruntime-web')
  await measureOnnx('onnxruntime-node')
}

async function measureLocal() {
  const engine = local({ threads })
  const data = Uint8Array.from({ length: pixels * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 13)
  const request = { image: { data, width: SIDE, height: SIDE, channels: 3 }, scale: 2, params: {} }
  await report('upscale-local, its own best network', () =>
    engine.upscale(request, { signal: new AbortController().signal, env: {} }),
  )
  await engine.close()
}

async function measureOnnx(name) {
  try {
    const path = createRequire(pathToFileURL(join(values.runtimes, 'package.json'))).resolve(name)
    const module = await import(pathToFileURL(path).href)
    const ort = module.default ?? module
    if (name === 'onnxruntime-web') ort.env.wasm.numThreads = threads
    const side = SIDE + 2 * halo
    const session = await ort.InferenceSession.create(new Uint8Array(onnxNetwork(sizes, 2, side)), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      ...(name === 'onnxruntime-web' ? { executionProviders: ['wasm'] } : {}),
    })
    const data = Float32Array.from({ length: 3 * side * side }, (_, i) => ((i * 31) % 256) / 255)
    const input = new ort.Tensor('float32', data, [1, 3, side, side])
    await report(name, () => session.run({ in: input }))
  } catch (error) {
    console.log(`| ${name} | ${error.message.split('\n')[0]} | | |`)
  }
}

async function report(name, run) {
  for (let i = 0; i < 3; i++) await run()
  const best = { wall: Infinity, cpu: Infinity }
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now()
    const cpu = process.cpuUsage()
    await run()
    const spent = process.cpuUsage(cpu)
    best.wall = Math.min(best.wall, (performance.now() - start) / 1e3 / (pixels / 1e6))
    best.cpu = Math.min(best.cpu, (spent.user + spent.system) / 1e6 / (pixels / 1e6))
  }
  const rate = multiplications / 1e3 / best.cpu
  console.log(`| ${name} | ${best.wall.toFixed(2)} | ${best.cpu.toFixed(2)} | ${rate.toFixed(1)} |`)
}
