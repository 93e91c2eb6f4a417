import { expect, test } from 'vitest'
import { findCandidates, printSrcset } from './srcset.ts'

test.each([
  ['a.png', [['a.png', '']]],
  [
    'a.png 1x, b.png 2x',
    [
      ['a.png', '1x'],
      ['b.png', '2x'],
    ],
  ],
  [
    'a.png, b.png 2x',
    [
      ['a.png', ''],
      ['b.png', '2x'],
    ],
  ],
  [
    '\n  a.png 400w,\n  b.png 800w ,',
    [
      ['a.png', '400w'],
      ['b.png', '800w'],
    ],
  ],
  ['a.png?upscale=2;3&as=srcset', [['a.png?upscale=2;3&as=srcset', '']]],
  [
    'data:image/png;base64,AAAA 1x, b,c.png 2x',
    [
      ['data:image/png;base64,AAAA', '1x'],
      ['b,c.png', '2x'],
    ],
  ],
  ['', []],
  [' , ', []],
])('%j is split as a browser does', (srcset, candidates) => {
  expect([...findCandidates(srcset)].map(({ address, descriptor }) => [address, descriptor])).toEqual(
    candidates,
  )
})

test('printing is the opposite of parsing', () => {
  const srcset = 'a.png, b.png 2x, c,d.png 800w'
  expect(printSrcset([...findCandidates(srcset)])).toBe(srcset)
})
