import { expect, test } from 'vitest'
import { isTaggedImage, pathOf, queryOf, withRest } from './reference.ts'

test.each([
  ['./a.png?upscale=2', true],
  ['C:/site/a.PNG?w=8&upscale', true],
  ['@/a.webp?upscale=2#top', true],
  ['./logo.svg?upscale=2', true],
  ['./a.png', false],
  ['./a.png?upscaled=2', false],
  ['./folder?upscale=2', false],
  ['./a.js?upscale=2', false],
  ['https://images.example/a.png?upscale=2', false],
  ['//images.example/a.png?upscale=2', false],
  ['data:image/png;base64,AA==?upscale=2', false],
])('%s is ours: %s', (reference, isOurs) => {
  expect(isTaggedImage(reference)).toBe(isOurs)
})

test('the path ends before the query', () => {
  expect(pathOf('/a/b.png?c=d?e')).toBe('/a/b.png')
  expect(pathOf('/a/b.png')).toBe('/a/b.png')
})

test('requests that mean the same have one query', () => {
  const engine = 'local'
  expect(queryOf({ factor: 2, engine, params: {} }, { engine })).toBe('upscale=2')
  const request = {
    factor: 1.5,
    engine: 'hero',
    format: 'webp',
    quality: 80,
    params: { seed: '7', prompt: 'a & b' },
  } as const
  expect(queryOf(request, { engine })).toBe(
    'upscale=1.5&engine=hero&format=webp&quality=80&prompt=a%20%26%20b&seed=7',
  )
})

test('what was not ours stays behind what is', () => {
  expect(withRest('upscale=2', '')).toBe('?upscale=2')
  expect(withRest('upscale=2', '?w=8#top')).toBe('?upscale=2&w=8#top')
  expect(withRest('upscale=2', '#top')).toBe('?upscale=2#top')
})
