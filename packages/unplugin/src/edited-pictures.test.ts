import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createEditedPictures } from './edited-pictures.ts'

/** A picture that is saved, and what was bought of it, in order. */
function desk() {
  const file = join(mkdtempSync(join(tmpdir(), 'upscale-edited-')), 'a.png')
  const bought: string[] = []
  const calls: (() => void)[] = []
  const kept = new Set<string>()
  let state = ''
  let saves = 0
  let isOver = false
  /** What is done in each pause, one after the other; then nothing is. */
  const pauses: (() => void)[] = []
  let paused = 0
  const edited = createEditedPictures(
    () => isOver,
    async () => {
      paused++
      pauses.shift()?.()
    },
  )
  return {
    bought,
    kept,
    pauses,
    paused: () => paused,
    stop: () => {
      isOver = true
    },
    answer: () => calls.shift()?.(),
    save(name: string) {
      state = name
      writeFileSync(file, `${saves++}`.padStart(++saves))
    },
    ask: () =>
      edited.during(
        'a',
        file,
        async () => !kept.has(state),
        async () => {
          const made = state
          if (kept.has(made)) return made
          bought.push(made)
          await new Promise<void>(resolve => calls.push(resolve))
          kept.add(made)
          return made
        },
      ),
  }
}

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20))

test('a picture that is saved five times while it is bought is bought twice: as it was, and as it is', async () => {
  const { save, ask, answer, bought } = desk()
  save('first')
  const asked = [ask()]
  for (const name of ['second', 'third', 'fourth', 'fifth', 'last']) {
    save(name)
    // As two modules that show it do.
    asked.push(ask(), ask())
  }
  await settle()
  expect(bought).toEqual(['first'])
  answer()
  // One of the two joins the other in the upscaler.
  await vi.waitFor(() => expect(bought).toEqual(['first', 'last', 'last']))
  answer()
  answer()
  expect(await Promise.all(asked)).toEqual(['first', ...Array(10).fill('last')])
  expect(bought).toHaveLength(3)
})

test('one that is saved on is bought when it is left alone', async () => {
  const { save, ask, answer, bought, pauses, paused } = desk()
  save('first')
  const first = ask()
  answer()
  await first
  save('second')
  for (const name of ['third', 'fourth']) pauses.push(...Array(15).fill(() => {}), () => save(name))
  const second = ask()
  await vi.waitFor(() => expect(bought).toEqual(['first', 'fourth']))
  expect(paused()).toBe(16 + 16 + 20)
  answer()
  expect(await second).toBe('fourth')
})

test('one that is never left alone is bought all the same, after a while', async () => {
  const { save, ask, answer, bought, pauses, paused } = desk()
  save('first')
  const first = ask()
  answer()
  await first
  save('0')
  pauses.push(...Array.from({ length: 1000 }, (_, at) => () => save(String(at))))
  void ask()
  await vi.waitFor(() => expect(bought).toHaveLength(2), 10_000)
  expect(paused()).toBe(600)
})

test('one that is bought already, or asked for again as it was, waits for nothing', async () => {
  const { save, ask, answer, bought, kept, paused } = desk()
  save('first')
  const both = [ask(), ask()]
  answer()
  answer()
  await Promise.all(both)
  kept.add('second')
  save('second')
  expect(await ask()).toBe('second')
  expect(bought).toEqual(['first', 'first'])
  expect(paused()).toBe(0)
})

test('once no call is begun any longer there is nothing to wait for', async () => {
  const { save, ask, answer, bought, stop, paused } = desk()
  save('first')
  const first = ask()
  answer()
  await first
  stop()
  save('second')
  const second = ask()
  await vi.waitFor(() => expect(bought).toHaveLength(2))
  answer()
  expect(await second).toBe('second')
  expect(paused()).toBe(0)
})
