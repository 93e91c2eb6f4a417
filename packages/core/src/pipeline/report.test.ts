import { expect, test } from 'vitest'
import { UpscaleError } from '../errors.ts'
import { createRecorder, type ReportImage } from './report.ts'

const IMAGE: ReportImage = {
  source: '',
  factor: 2,
  engine: 'resize',
  model: 'lanczos3',
  origin: 'engine',
  format: 'png',
  width: 2,
  height: 2,
  bytes: 100,
  sourceBytes: 50,
  costMicros: 0,
  savedMicros: 0,
}

test('a process that never ends keeps the last hundred thousand rows of each kind', () => {
  const told: string[] = []
  const recorder = createRecorder(text => told.push(text))
  const error = new UpscaleError('ENGINE_FAILED', 'it failed', { hint: 'none' })
  for (let number = 0; number <= 100_000; number++) {
    const source = `${number}.png`
    recorder.image({ ...IMAGE, source })
    recorder.refused(source, {}, error)
    recorder.notice(source)
  }
  const { images, refused, notices } = recorder.report(0)
  for (const names of [images.map(({ source }) => source), refused.map(({ source }) => source), notices]) {
    expect(names).toHaveLength(100_000)
    expect([names[0], names.at(-1)]).toEqual(['1.png', '100000.png'])
  }
  expect(told).toHaveLength(100_001)
})
