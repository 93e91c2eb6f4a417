import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createProgress, progressText } from './progress.ts'

const FACTS = {
  done: 12,
  total: 40,
  cached: 3,
  name: 'hero.png',
  spentMicros: 720_000,
  leftMs: 61_000,
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function start(everyMs = 100) {
  const shown: string[] = []
  const outlet = {
    everyMs,
    show: (textFor: (columns: number) => string) => void shown.push(textFor(80)),
    clear: () => void shown.push(''),
  }
  return { shown, progress: createProgress(outlet, () => 0) }
}

test('a line has the count, the picture, hits, cost and the time left', () => {
  expect(progressText(FACTS)).toBe('12/40 hero.png · 3 cached · US$0.72 · 1 m left')
  expect(progressText({ ...FACTS, cached: 0, spentMicros: 0, leftMs: undefined })).toBe('12/40 hero.png')
  expect(progressText({ ...FACTS, leftMs: 12_300 })).toContain(' · 15 s left')
  expect(progressText({ ...FACTS, leftMs: 5_000_000 })).toContain('1 h 23 m left')
})

test.each([
  ['hero.png', 44, '12/40 hero.… · 3 cached · US$0.72 · 1 m left'],
  ['hero.png', 38, '12/40 · 3 cached · US$0.72 · 1 m left'],
  ['写真写真写真.png', 48, '12/40 写真写真… · 3 cached · US$0.72 · 1 m left'],
  ['hero.png', 20, '12/40 · 3 cached · …'],
  ['a\u001b[2Kb\r\n.png', 80, '12/40 ab .png · 3 cached · US$0.72 · 1 m left'],
])('the name %j is cut so that the line has %i columns', (name, columns, text) => {
  expect(progressText({ ...FACTS, name }, columns)).toBe(text)
})

test('hits and short work are not told of', async () => {
  const { shown, progress } = start()
  for (let index = 0; index < 100; index++) progress.begin(`${index}`, 'a.png')('cached')
  await vi.advanceTimersByTimeAsync(5000)
  const end = progress.begin('miss', 'b.png')
  await vi.advanceTimersByTimeAsync(900)
  end('worked')
  await vi.advanceTimersByTimeAsync(5000)
  expect(shown.filter(Boolean)).toEqual([])
})

test('those that were there before count among all and among the cached', async () => {
  const { shown, progress } = start()
  for (let index = 0; index < 7; index++) progress.note()
  progress.begin('miss', 'b.png')
  await vi.advanceTimersByTimeAsync(1500)
  expect(shown).toContain('7/8 b.png · 7 cached')
  progress.reset()
  progress.begin('next', 'c.png')
  await vi.advanceTimersByTimeAsync(1500)
  expect(shown.at(-1)).toBe('0/1 c.png')
})

test('longer work is, the more of it is known, and the line is taken away when nothing is waited for', async () => {
  const { shown, progress } = start()
  progress.begin('hit', 'hit.png')('cached')
  const first = progress.begin('a', 'a.png')
  const second = progress.begin('b', 'b.png')
  progress.begin('b', 'b.png')('cached')
  await vi.advanceTimersByTimeAsync(1000)
  expect(shown.at(-1)).toBe('1/3 a.png · 1 cached')
  first('worked')
  await vi.advanceTimersByTimeAsync(100)
  expect(shown.at(-1)).toBe('2/3 b.png · 1 cached')
  second('worked')
  expect(shown.at(-1)).toBe('')
  const before = shown.length
  await vi.advanceTimersByTimeAsync(5000)
  expect(shown).toHaveLength(before)
})

test('the time left is told once a few pictures took a few seconds', async () => {
  const { shown, progress } = start()
  const ends = ['a', 'b', 'c', 'd'].map(name => progress.begin(name, name))
  await vi.advanceTimersByTimeAsync(2000)
  ends[0]?.('worked')
  await vi.advanceTimersByTimeAsync(1900)
  expect(shown.at(-1)).toBe('1/4 b')
  ends[1]?.('worked')
  await vi.advanceTimersByTimeAsync(100)
  expect(shown.at(-1)).toBe('2/4 c · 4 s left')
})

test('a log gets a line now and then, and pauses do not bring more', async () => {
  const { shown, progress } = start(10_000)
  for (let index = 0; index < 20; index++) {
    const end = progress.begin(`${index}`, `${index}.png`)
    await vi.advanceTimersByTimeAsync(1500)
    end('worked')
  }
  expect(shown.filter(Boolean).map(line => line.split(' ', 2).join(' '))).toEqual([
    '0/1 0.png',
    '7/8 7.png',
    '13/14 13.png',
  ])
})

test('pictures without a key are all different', async () => {
  const { shown, progress } = start()
  progress.begin(undefined, 'a.png')('cached')
  progress.begin(undefined, 'a.png')
  await vi.advanceTimersByTimeAsync(1000)
  expect(shown.at(-1)).toBe('1/2 a.png · 1 cached')
})

test('after a reset the next picture is the first', async () => {
  const { shown, progress } = start()
  progress.begin('a', 'a.png')('worked')
  const lost = progress.begin('b', 'b.png')
  progress.reset()
  lost('worked')
  progress.begin('a', 'a.png')
  await vi.advanceTimersByTimeAsync(1000)
  expect(shown.at(-1)).toBe('0/1 a.png')
})
