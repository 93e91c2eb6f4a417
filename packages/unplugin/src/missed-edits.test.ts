import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMissedEdits } from './missed-edits.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A watch, what it is told to watch, and which pictures were edited. */
function watch() {
  const stale = new Set<string>()
  const missedEdits = createMissedEdits(() => stale)
  let file = ''
  const context = {
    addWatchFile: (name: string) => {
      file = name
    },
  }
  return {
    ...missedEdits,
    stale,
    begin: () => missedEdits.begin(context),
    file: () => file,
    written: () => readFileSync(file, 'utf8'),
  }
}

test('a picture that was edited while its build went on rings until the next build begins', async () => {
  const { begin, end, close, stale, file, written } = watch()
  begin()
  stale.add('a.png 2')
  end()
  expect(written()).toBe('0')
  await vi.advanceTimersByTimeAsync(1000)
  expect(written()).toBe('2')
  begin()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(written()).toBe('2')
  await close()
  expect(existsSync(file())).toBe(false)
})

test('one that is edited before the watch of it has begun rings too, and nothing rings without an edit', async () => {
  const { begin, end, close, stale, written } = watch()
  begin()
  end()
  await vi.advanceTimersByTimeAsync(1000)
  expect(written()).toBe('')
  stale.add('a.png 2')
  await vi.advanceTimersByTimeAsync(500)
  expect(written()).toBe('3')
  await close()
})

test('one that is no longer asked for rings once for each edit', async () => {
  const { begin, end, close, stale, written } = watch()
  begin()
  stale.add('a.png 2')
  end()
  begin()
  end()
  await vi.advanceTimersByTimeAsync(500)
  expect(written()).toBe('0')
  stale.add('a.png 3')
  await vi.advanceTimersByTimeAsync(500)
  expect(written()).toBe('2')
  await close()
})

test('a folder of temporary files that is tidied up does not end the watch, which rings on', async () => {
  const { begin, end, close, stale, file, written } = watch()
  begin()
  rmSync(dirname(file()), { recursive: true })
  stale.add('a.png 2')
  end()
  expect(written()).toBe('0')
  rmSync(dirname(file()), { recursive: true })
  await vi.advanceTimersByTimeAsync(500)
  expect(written()).toBe('1')
  rmSync(dirname(file()), { recursive: true })
  begin()
  expect(written()).toBe('')
  // Nor does one that takes nothing any more.
  rmSync(dirname(file()), { recursive: true })
  writeFileSync(dirname(file()), 'in the way')
  stale.add('b.png 2')
  end()
  await vi.advanceTimersByTimeAsync(500)
  rmSync(dirname(file()))
  await close()
})
