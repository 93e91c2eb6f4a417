/*
 * How the processor's time of each reader of texts grows with the text. Every row is a text that made some reader slow or made it
 * overflow once, or that may; each is read at doubling lengths, in a process of its own, since what one reading leaves in the
 * memory makes the next one slower. A line a row: the time for the longest text, and the largest growth from one length to the
 * next, where 2 is linear; and from where on the reader refuses it by a coded error, if it does. Ends with 1 when a row grows by more than 2.2, takes more than a second a MB, or throws.
 *
 *     pnpm bench:scanners [rows by a part of their name …] [--to MB] [--seconds for a row at most] [--list]
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { namesOfRows } from './scanners/rows.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '240' },
    list: { type: 'boolean', default: false },
  },
})
const MOST_GROWTH = 2.2
const MOST_MS_PER_MB = 1000

const isWanted = name => positionals.length === 0 || positionals.some(part => name.includes(part))
const names = namesOfRows().filter(isWanted)
let failures = 0
for (const name of names) {
  if (values.list) process.stdout.write(`${name}\n`)
  else if (!tell(name, await readIn(name))) failures++
}
process.exitCode = failures === 0 ? 0 : 1

/** What a process says that reads one row. */
function readIn(name) {
  const row = fork(fileURLToPath(new URL('scanners/read-row.mjs', import.meta.url)), [name, values.to], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const steps = []
  let error = ''
  row.stderr.on('data', text => {
    error += text
  })
  row.on('message', step => steps.push(step))
  const timer = setTimeout(() => {
    error = 'too slow to go on'
    row.kill('SIGKILL')
  }, Number(values.seconds) * 1000)
  return new Promise(resolve =>
    row.on('close', code => {
      clearTimeout(timer)
      const reason = /^(?:\w*Error\b.*|FATAL ERROR.*|too slow.*)$/m.exec(error)?.[0]
      resolve({ steps, error: code === 0 ? undefined : (reason ?? `ended with ${code}`) })
    }),
  )
}

/** @returns whether the row is as it should be */
function tell(name, { steps, error }) {
  const last = steps.at(-1)
  const grown = steps.flatMap((step, at) =>
    step.growth === undefined ? [] : [{ ...step, from: steps[at - 1].size }],
  )
  const worst = grown.sort((a, b) => b.growth - a.growth)[0]
  const isGood =
    error === undefined && (worst?.growth ?? 0) <= MOST_GROWTH && last.ms / last.size <= MOST_MS_PER_MB
  const time =
    last === undefined ? '' : `${last.size} MB in ${(last.ms / 1000).toFixed(2)} s, ${last.heap} MB of memory`
  const growth =
    worst === undefined ? 'too quick for a growth' : `×${worst.growth.toFixed(2)} from ${worst.from} MB`
  const refused = steps.find(({ isRefused }) => isRefused)
  const refusal = refused === undefined ? '' : `refused from ${refused.size} MB`
  const parts = [time, growth, refusal, error].filter(part => part !== undefined && part !== '')
  process.stdout.write(`${isGood ? '   ' : '!! '}${name}: ${parts.join('; ')}\n`)
  return isGood
}
