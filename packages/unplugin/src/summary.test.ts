import type { Report, ReportImage } from 'upscale-core'
import { expect, test } from 'vitest'
import { summaryOf } from './summary.ts'

const image: ReportImage = {
  source: 'hero.png',
  factor: 2,
  engine: 'local',
  model: 'design',
  origin: 'engine',
  format: 'png',
  width: 800,
  height: 600,
  bytes: 300_000,
  sourceBytes: 90_000,
  costMicros: 0,
  savedMicros: 0,
}

const report = (...images: ReportImage[]): Report => ({ images, refused: [], spentMicros: 0, notices: [] })

test('a build without pictures has no summary', () => {
  expect(summaryOf(report())).toBeUndefined()
})

test('the summary names the bytes, the heaviest three, and what would be half', () => {
  const others = [10_000, 60_000, 70_000].map((bytes, index) => ({ ...image, source: `${index}.png`, bytes }))
  expect(summaryOf(report(image, ...others))?.split('\n')).toEqual([
    '4 upscaled, 0 from the cache, US$0.00 spent',
    '360.0 kB → 440.0 kB; heaviest: hero.png 90.0 kB → 300.0 kB, 2.png 90.0 kB → 70.0 kB, 1.png 90.0 kB → 60.0 kB',
    "3 PNGs have 430.0 kB, likely less than half of it as webp: &format=webp, or format: 'webp'",
  ])
})

test.each<Partial<ReportImage>>([{ format: 'webp' }, { format: 'jpeg' }, { bytes: 20_000 }])(
  'no other format is suggested for %o',
  facts => {
    expect(summaryOf(report({ ...image, ...facts }))).not.toContain('likely')
  },
)
