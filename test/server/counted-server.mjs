/*
 * A gateway in a process of its own that counts the bytes which calls handle that end only when all are done: what is read,
 * written, hashed, joined, copied, parsed or turned into text at once. How many there are in one round of the event loop,
 * `worst` tells since it was last asked. Loops over pixels stop by the clock, so the clock goes on with every byte.
 *
 * Arguments: the project's folder, the models as JSON (name: address of a paid stand-in, or name of an engine).
 */
import crypto from 'node:crypto'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** What a slow machine handles. */
const BYTES_A_MS = 64 * 1024

let now = 0
let worst = { bytes: 0, calls: [] }
let calls = new Map()
let total = 0

const realNow = performance.now.bind(performance)
performance.now = () => realNow() + total / BYTES_A_MS

function count(owner, name, bytesOf) {
  const real = owner[name]
  const counted = function (...args) {
    const result = Reflect.apply(real, this, args)
    const bytes = bytesOf.call(this, args, result)
    if (bytes > 0) {
      now += bytes
      total += bytes
      calls.set(name, (calls.get(name) ?? 0) + bytes)
    }
    return result
  }
  Object.defineProperty(owner, name, { value: counted, configurable: true, writable: true, enumerable: true })
}

const lengthOf = value => value?.byteLength ?? value?.length ?? 0
const handled = (_args, result) => (typeof result === 'number' ? result : 0)
count(fs, 'readSync', handled)
count(fs, 'writeSync', handled)
count(fs, 'readFileSync', (_args, result) => lengthOf(result))
count(crypto, 'hash', ([, content]) => lengthOf(content))
count(crypto.Hash.prototype, 'update', ([content]) => lengthOf(content))
count(crypto.webcrypto.subtle, 'digest', ([, content]) => lengthOf(content))
count(Buffer, 'concat', (_args, result) => result.length)
count(Buffer, 'from', ([content], result) => (content instanceof ArrayBuffer ? 0 : result.length))
count(Buffer.prototype, 'toString', (_args, result) => result.length)
count(Buffer.prototype, 'write', handled)
count(Uint8Array.prototype, 'set', ([content]) => lengthOf(content))
count(JSON, 'parse', ([text]) => lengthOf(text))
count(RegExp.prototype, 'exec', ([text]) => lengthOf(text))
syncBuiltinESMExports()

function round() {
  if (now > worst.bytes) worst = { bytes: now, calls: [...calls] }
  now = 0
  calls = new Map()
  setImmediate(round)
}

const { lumenfall } = await import('../../packages/core/dist/index.mjs')
const { createServer } = await import('../../packages/server/dist/index.mjs')
const [root, written] = process.argv.slice(2)
const models = Object.entries(JSON.parse(written)).map(([name, engine]) => [
  name,
  engine.startsWith('http') ? lumenfall({ baseURL: engine, apiKey: 'lmnfl_a.b' }) : engine,
])
const server = createServer(
  { root, models: Object.fromEntries(models), maxPixels: 100e6, budget: 10, frozen: false },
  { env: {} },
)
const url = await server.listen({ port: 0 })
round()
process.on('message', async message => {
  if (message === 'worst') {
    process.send(worst)
    worst = { bytes: 0, calls: [] }
    return
  }
  await server.close()
  process.exit()
})
process.send(url)
