/*
 * Watches the event loop of the process that it is imported into (`node --import`), and says at the end which code held it:
 * for every stretch between two turns that took longer than SHORTEST_MS, the samples of V8's profiler, by the deepest frame
 * that is ours, else by the package that the deepest frame is of. Writes what it saw into the folder that HELD_OUT names.
 *
 * A process that gets SIGUSR2 writes and ends at once. A stretch counts by the processor time of the thread where Node tells it (23.9 and newer), else by the clock: on a
 * machine that does other things as well that is more.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const SHORTEST_MS = 50
const TURN_MS = 5
const SAMPLE_US = 500

if (isMainThread && process.env.HELD_OUT !== undefined) watch(process.env.HELD_OUT)

function watch(folder) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  session.post('Profiler.start')
  const delays = monitorEventLoopDelay({ resolution: TURN_MS })
  delays.enable()
  const stretches = []
  let before = look()
  const turn = () => {
    const now = look()
    const cpuMs = now.cpuMs - before.cpuMs
    if (now.us - before.us > SHORTEST_MS * 1000 && cpuMs > SHORTEST_MS)
      stretches.push({ from: before.us, to: now.us, cpuMs })
    before = look()
  }
  setInterval(turn, TURN_MS).unref()
  const write = () => {
    turn()
    let profile
    session.post('Profiler.stop', (_error, result) => {
      profile = result.profile
    })
    const seen = {
      command: process.argv.slice(1, 3),
      longestDelayMs: delays.max / 1e6,
      holds: holdsOf(profile, stretches),
    }
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(seen))
  }
  process.once('exit', write)
  // Of a server, whose end may be one by a signal.
  process.once('SIGUSR2', () => {
    process.off('exit', write)
    write()
    process.kill(process.pid, 'SIGKILL')
  })
}

/** The clock of the profiler, and the processor's time of this thread. */
function look() {
  const us = Number(process.hrtime.bigint() / 1000n)
  if (process.threadCpuUsage === undefined) return { us, cpuMs: us / 1000 }
  const { user, system } = process.threadCpuUsage()
  return { us, cpuMs: (user + system) / 1000 }
}

function holdsOf({ nodes, samples, timeDeltas, startTime }, stretches) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id])))
  const byId = new Map(nodes.map(node => [node.id, node]))
  const places = new Map()
  const placeOf = id => {
    const known = places.get(id) ?? placeIn(id, byId, parents)
    places.set(id, known)
    return known
  }
  const sums = stretches.map(() => new Map())
  let at = startTime
  let next = 0
  for (const [index, id] of samples.entries()) {
    at += timeDeltas[index]
    while (next < stretches.length && stretches[next].to < at) next++
    if (next === stretches.length) break
    if (at < stretches[next].from) continue
    // A sample stands for the time up to the next one.
    const place = placeOf(id)
    const ms = (timeDeltas[index + 1] ?? 0) / 1000
    sums[next].set(place, (sums[next].get(place) ?? 0) + ms)
  }
  return stretches.map(({ from, to, cpuMs }, index) => {
    const wallMs = (to - from) / 1000
    const all = [...sums[index].values()].reduce((sum, ms) => sum + ms, 0)
    const places = [...sums[index]]
      .map(([place, ms]) => ({ place, ms: (ms / all) * cpuMs }))
      .sort((one, other) => other.ms - one.ms)
    const oursMs = places.reduce((sum, { place, ms }) => (place.startsWith('ours ') ? sum + ms : sum), 0)
    const endedAt = Date.now() - (Number(process.hrtime.bigint() / 1000n) - to) / 1000
    return { wallMs, cpuMs, oursMs, endedAt, places: places.slice(0, 8) }
  })
}

/** The deepest frame of ours that a sample lies in, else the package of the deepest one. */
function placeIn(id, byId, parents) {
  let host
  for (let at = id; at !== undefined; at = parents.get(at)) {
    const { functionName, url, lineNumber } = byId.get(at).callFrame
    const [, own] = /\/packages\/((?:core|local|toolkit|unplugin|server|cli)\/.*)$/.exec(url) ?? []
    if (own !== undefined) return `ours ${own}:${lineNumber + 1} ${functionName || '(anonymous)'}`
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? []
    host ??= name
  }
  const { functionName, url } = byId.get(id).callFrame
  return host ?? (url.startsWith('node:') ? url : functionName)
}
