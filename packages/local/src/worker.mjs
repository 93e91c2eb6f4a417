// One thread of the pool. Plain JavaScript, because Node 20 can't start a thread on TypeScript and the tests run on
// the sources. thread.ts has the other side of the conversation and its types.
import { parentPort, workerData } from 'node:worker_threads'
import { findDamage } from './damage.mjs'
import { meanOfFour } from './mean.mjs'
import { blend, FULL, wantedMasks } from './mix.mjs'
import { surveyBlocks } from './survey.mjs'

/** `stop[slot]` becomes 1 when nobody waits for that slot's work any more. */
const { module, stop } = workerData
const machines = new Map()

parentPort.on('message', ({ slot, programs, task }) => {
  for (const { id, program } of programs) machines.set(id, build(program))
  const result = work(task, slot)
  parentPort.postMessage({ slot, result }, transferable(result))
})

function work(task, slot) {
  switch (task.kind) {
    case 'survey':
      return surveyBlocks(task)
    case 'damage':
      return findDamage(task.patches, task.channels)
    case 'enlarge':
      return enlarge(task, slot)
  }
}

/** The finished bytes; undefined when it was stopped on the way. */
function enlarge({ tile, networks, inputs, mix }, slot) {
  const [first, second] = networks.map(network => network.map(id => machines.get(id)))
  if (mix === undefined) return run(first, tile, inputs[0], slot)
  const base = run(
    first,
    tile,
    inputs[0],
    slot,
    wantedMasks(mix, tile, weight => weight < FULL),
  )
  if (base === undefined) return undefined
  const over = run(
    second,
    tile,
    inputs[1],
    slot,
    wantedMasks(mix, tile, weight => weight > 0),
  )
  if (over === undefined) return undefined
  blend(base, over, mix, tile, first[0].scale)
  return base
}

function build({ image, pages, ...facts }) {
  const memory = new WebAssembly.Memory({ initial: pages })
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const heap = new Uint8Array(memory.buffer)
  heap.set(image)
  return { ...facts, heap, ...exports }
}

/** @param masks of what is wanted; everything by default */
function run(network, tile, bytes, slot, masks) {
  const results = []
  for (const machine of network) {
    const result = runMachine(machine, tile, bytes, slot, masks)
    if (result === undefined) return undefined
    results.push(result)
  }
  return results.length === 1 ? results[0] : meanOfFour(results)
}

function runMachine({ heap, input, output, wanted, scale, begin, step }, tile, bytes, slot, masks) {
  const { width, height, channels } = tile
  heap.set(bytes, input)
  if (masks === undefined) heap.fill(255, wanted, wanted + 8 * height)
  else heap.set(masks, wanted)
  const steps = begin(width, height, channels)
  for (let index = 0; index < steps; index++) {
    if (Atomics.load(stop, slot) === 1) return undefined
    step(index)
  }
  return heap.slice(output, output + width * height * scale * scale * channels)
}

function transferable(result) {
  return ArrayBuffer.isView(result) ? [result.buffer] : []
}
