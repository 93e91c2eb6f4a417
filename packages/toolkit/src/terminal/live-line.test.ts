import { expect, test } from 'vitest'
import { openLiveLine } from './live-line.ts'

const ERASE = '\r\u001b[2K'

/** A process whose two streams are one terminal, and what was written there. */
function terminal(env: Record<string, string> = {}) {
  const written: string[] = []
  const stream = (): NodeJS.WriteStream => {
    const write = (text: string): boolean => written.push(text) > 0
    return { isTTY: true, columns: 21, write } as unknown as NodeJS.WriteStream
  }
  return { written, owner: { stdout: stream(), stderr: stream(), env } }
}

test('what others write comes above the line, which comes back with the next drawing', () => {
  const { written, owner } = terminal()
  const line = openLiveLine(owner)
  line?.draw(columns => `a${columns}`)
  owner.stdout.write('one\n')
  line?.draw(() => 'b')
  owner.stderr.write('two\n')
  line?.clear()
  owner.stdout.write('three\n')
  expect(written).toEqual([`${ERASE}a20`, ERASE, 'one\n', `${ERASE}b`, ERASE, 'two\n', 'three\n'])
})

test('half a line of somebody else is not erased, but a line that is drawn over anyway is', () => {
  const { written, owner } = terminal()
  const line = openLiveLine(owner)
  line?.draw(() => 'a')
  owner.stdout.write('half')
  line?.draw(() => 'b')
  owner.stdout.write(' whole\n')
  line?.draw(() => 'c')
  owner.stdout.write('\u001b[2K')
  owner.stdout.write('\u001b[1G')
  owner.stdout.write('transforming (3)')
  line?.draw(() => 'd')
  expect(written.filter(text => text.startsWith(ERASE) && text !== ERASE)).toEqual([
    `${ERASE}a`,
    `${ERASE}c`,
    `${ERASE}d`,
  ])
})

test('a terminal has one line, and its streams are left as they were', () => {
  const { written, owner } = terminal()
  const { write } = owner.stdout
  const first = openLiveLine(owner)
  const second = openLiveLine(owner)
  first?.draw(() => 'first')
  second?.draw(() => 'second')
  first?.clear()
  second?.draw(() => 'second')
  second?.clear()
  expect(written.join('')).toBe(`${ERASE}first${ERASE}second${ERASE}`)
  expect(owner.stdout.write).toBe(write)
})

test.each([{ CI: '1' }, { TERM: 'dumb' }])('there is none with %j', env => {
  expect(openLiveLine(terminal(env).owner)).toBe(undefined)
})
