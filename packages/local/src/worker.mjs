// One thread of the pool. Plain JavaScript, because Node 20 can't start a thread on TypeScript and the tests run on
// the sources. pool.ts has the other side of the conversation and its types.
import { parentPort, workerData } from 'node:worker_threads'

/** `stop[slot]` becomes 1 when nobody waits for that slot's tile any more. */
const { module, stop } = workerData
const machines = new Map()

parentPort.on('message', ({ slot, program, id, tile, bytes }) => {
  if (program !== undefined) machines.set(id, build(program))
  const result = run(machines.get(id), tile, bytes, slot)
  parentPort.postMessage({ slot, result }, result === undefined ? [] : [result.buffer])
})

function build({ image, pages, ...facts }) {
  const memory = new WebAssembly.Memory({ initial: pages })
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const heap = new Uint8Array(memory.buffer)
  heap.set(image)
  return { ...facts, heap, ...exports }
}

/** The finished bytes; undefined when it was stopped on the way. */
function run({ heap, input, output, wanted, scale, begin, step }, { width, height, channels }, bytes, slot) {
  heap.set(bytes, input)
  heap.fill(255, wanted, wanted + 8 * height)
  const steps = begin(width, height, channels)
  for (let index = 0; index < steps; index++) {
    if (Atomics.load(stop, slot) === 1) return undefined
    step(index)
  }
  return heap.slice(output, output + width * height * scale * scale * channels)
}
