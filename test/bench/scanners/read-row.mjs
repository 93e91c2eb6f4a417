/** Reads a row in this process: `node --expose-gc read-row.mjs NAME MB`. Tells of each length whoever started it. */
import { rowOf } from './rows.mjs'

const MB = 1_000_000
/** Below this a time says nothing about its growth, in milliseconds. */
const SHORTEST_MS = 60
/** What is quick is read several times, since others work on the machine; the least time counts. */
const READINGS_MS = 1500
/** A growth from here on is looked at again. */
const DOUBTFUL = 2.15

const [, , name, largest] = process.argv
const { read, textOf } = rowOf(name)
const timesOf = new Map()
/** The lengths that the reader refused, by a coded error: it read to where it knew, and its time counts too. */
const refused = new Set()

/** As a file gives it: in one piece. */
const textFor = size => Buffer.from(textOf(size * MB)).toString()

/** The least of the processor's times of reading, in ms. */
async function timeOf(size, text, readings) {
  for (let turn = 0, all = 0; turn < readings && (turn === 0 || all < READINGS_MS); turn++) {
    globalThis.gc()
    const started = process.cpuUsage()
    try {
      await read(text)
    } catch (error) {
      if (error?.code !== 'SOURCE_TOO_LARGE') throw error
      refused.add(size)
    }
    const { user, system } = process.cpuUsage(started)
    const spent = (user + system) / 1000
    all += spent
    timesOf.set(size, Math.min(timesOf.get(size) ?? Number.POSITIVE_INFINITY, spent))
  }
  return timesOf.get(size)
}

let before
for (let size = Number(largest) / 16; size <= Number(largest); size *= 2) {
  const text = textFor(size)
  let ms = await timeOf(size, text, 3)
  const isLongEnough = before !== undefined && timesOf.get(before) >= SHORTEST_MS
  for (let turn = 0; turn < 2 && isLongEnough && ms / timesOf.get(before) > DOUBTFUL; turn++) {
    await timeOf(before, textFor(before), 1)
    ms = await timeOf(size, text, 1)
  }
  const growth = isLongEnough ? ms / timesOf.get(before) : undefined
  const heap = Math.round(process.resourceUsage().maxRSS / 1024)
  await new Promise(told => process.send({ size, ms, growth, heap, isRefused: refused.has(size) }, told))
  before = size
}
process.disconnect()
