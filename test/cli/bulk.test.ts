import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTree } from '../support/site.ts'
import { look, makeProject, type Project } from './command.ts'

const PICTURES = 300

/** Kills, one after the other, before the run that may end. */
const KILLS = 3

let project: Project

beforeEach(async () => {
  project = await makeProject()
  for (let number = 0; number < PICTURES; number++)
    await project.write(`in/${number}.png`, await draw(number))
  // An engine of the user's own, which writes down every call before it answers.
  await project.write(
    'upscale.config.mjs',
    `import { appendFileSync } from 'node:fs'
export default {
  engine: {
    id: 'counted', model: 'twice', revision: '1', exchange: 'pixels', billing: 'free', priceMicros: 0,
    scaleFor: () => 2,
    checkParams: () => ({}),
    async upscale({ image: { data, width, height, channels } }) {
      appendFileSync('calls.txt', data.slice(0, 3).join() + '\\n')
      const larger = new Uint8Array(4 * data.length)
      for (let y = 0; y < 2 * height; y++)
        for (let x = 0; x < 2 * width; x++)
          for (let c = 0; c < channels; c++)
            larger[(y * 2 * width + x) * channels + c] = data[((y >> 1) * width + (x >> 1)) * channels + c]
      return { data: larger, width: 2 * width, height: 2 * height, channels }
    },
  },
}
`,
  )
})
afterEach(() => project.remove())

/** A flat picture whose colour spells its number. */
function draw(number: number): Promise<Buffer> {
  const background = { r: number % 256, g: Math.floor(number / 256), b: 7 }
  return sharp({ create: { width: 10, height: 6, channels: 3, background } })
    .png()
    .toBuffer()
}

async function countWritten(): Promise<number> {
  return (await readdir(project.path('out')).catch(() => [])).filter(name => name.endsWith('.png')).length
}

test(`${PICTURES} pictures, killed ${KILLS} times on the way, are all there; none is partial, hardly one made twice`, async () => {
  const args = ['in', '--out', 'out', '--json']
  for (let kill = 1; kill <= KILLS; kill++) {
    const run = project.start(args)
    while ((await countWritten()) < (PICTURES * kill) / (KILLS + 1)) await sleep(5)
    run.child.kill('SIGKILL')
    expect((await run.end).signal).toBe('SIGKILL')
    for (const [name, bytes] of await readTree(project.path('out'))) {
      if (name.endsWith('.png')) expect(await look(bytes), name).toBe('20x12 png')
    }
  }
  const { code, stdout } = await project.run(args)
  expect(code).toBe(0)
  const { counts } = JSON.parse(stdout)
  expect(await countWritten()).toBe(PICTURES)
  for (let number = 0; number < PICTURES; number++) {
    const { data } = await sharp(project.path(`out/${number}.png`))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([...data.subarray(0, 3)]).toEqual([number % 256, Math.floor(number / 256), 7])
  }
  const calls = (await project.read('calls.txt')).trim().split('\n')
  expect(new Set(calls).size).toBe(PICTURES)
  // Only what was being made when the process died, two pictures at a time, is made again.
  expect(calls.length - PICTURES).toBeLessThanOrEqual(2 * KILLS)
  expect(counts.engine + counts.cache).toBe(PICTURES)
  const again = await project.run(args)
  expect(JSON.parse(again.stdout).counts).toEqual({ unchanged: PICTURES, cache: PICTURES })
  expect((await project.read('calls.txt')).trim().split('\n')).toHaveLength(calls.length)
})
