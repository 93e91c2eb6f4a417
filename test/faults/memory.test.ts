import { expect, test } from 'vitest'
import { entriesOn, makeProject, openGateway, outcomes, pictures, startBuyer } from './kit.ts'

const PICTURES = 1000

/** Of the JavaScript heap. Without a bound on what waits, a thousand pictures in flight need several times as much. */
const HEAP_MB = 96

/** What sharp, V8 and the process need besides; measured at some 200 MB. */
const RSS_MB = 450

// Row 40 and promise P19.
test('a thousand pictures at once are bought under a heap limit, and memory stays bounded', async () => {
  const gateway = await openGateway()
  const root = await makeProject(PICTURES)
  const order = { root, url: gateway.url, images: pictures(PICTURES) }
  const child = startBuyer(order, [`NODE_OPTIONS=--max-old-space-size=${HEAP_MB}`])
  expect(await child.end, child.output().slice(-2000)).toBe(0)
  expect([...outcomes(child).values()].filter(result => result === 'done')).toHaveLength(PICTURES)
  expect(gateway.charges).toHaveLength(PICTURES)
  expect(entriesOn(root, 'answers')).toHaveLength(PICTURES)
  const rssKb = Number(/^finished \d+ (\d+)$/m.exec(child.output())?.[1])
  process.stderr.write(`${PICTURES} pictures: ${Math.round(rssKb / 1024)} MB resident at most\n`)
  expect(rssKb / 1024).toBeLessThan(RSS_MB)
})
