// Runs inside a process under test, before core is loaded: counts its changes to the disk, and kills it in place of
// the n-th. Every state that the disk can be in between two changes is thus left behind by one n.

import fs, { promises } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

let changes = 0
let armed = false
let last = Number.POSITIVE_INFINITY

/** From here on changes count. */
export function arm(dieAt = Number.POSITIVE_INFINITY) {
  armed = true
  last = dieAt
}

export const count = () => changes

let runs = 0
let lastRun = Number.POSITIVE_INFINITY

/** Kills once the account of a run was written for the n-th time. */
export function armRun(dieAt = Number.POSITIVE_INFINITY) {
  lastRun = dieAt
}

function step() {
  if (armed && ++changes === last) {
    process.kill(process.pid, 'SIGKILL')
    // The signal is delivered at the return to this process at the latest; nothing below may run.
    for (;;);
  }
}

function watch(object, names) {
  for (const name of names) {
    const original = object[name]
    object[name] = function (...args) {
      step()
      return original.apply(this, args)
    }
  }
}

watch(promises, ['mkdir', 'rename', 'link', 'unlink', 'rm', 'writeFile'])
watch(fs, ['mkdirSync', 'renameSync', 'mkdtempSync', 'writeFileSync', 'writeSync', 'rmSync'])

const rename = promises.rename
promises.rename = async function (from, to) {
  await rename.call(this, from, to)
  if (String(to).endsWith('run.json') && ++runs === lastRun) {
    process.kill(process.pid, 'SIGKILL')
    for (;;);
  }
}

const open = promises.open
promises.open = async function (path, flags, ...rest) {
  if (flags !== 'r') step()
  return open.call(this, path, flags, ...rest)
}

const handle = await open('/dev/null', 'r')
watch(Object.getPrototypeOf(handle), ['writeFile', 'sync', 'datasync', 'truncate', 'write'])
await handle.close()

syncBuiltinESMExports()
