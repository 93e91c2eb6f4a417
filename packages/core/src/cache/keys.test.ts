import { describe, expect, test } from 'vitest'
import { aliasKey, answerKeyOf, type EngineCall, type OutputFile, outputKey } from './keys.ts'

const call: EngineCall = {
  engine: { id: 'lumenfall', model: 'ideogram-upscale', revision: '1' },
  scale: 2,
  params: { detail: 60, prompt: 'type' },
}
const pixels = 'a'.repeat(64)
const file: OutputFile = {
  width: 4,
  height: 4,
  format: 'png',
  quality: undefined,
  lossless: false,
  fileName: 'a-2x.png',
}

describe('the key of an answer', () => {
  // These are promises to everybody's wallet: a change of the text hashed here makes all users pay again.
  test('has not changed since the first release', () => {
    expect(answerKeyOf(pixels, call)).toMatchInlineSnapshot(
      `"475e58de79ef4562ad8aefdee19cc43dd91be2d6aa147b4b36d28c3e137b3cc1"`,
    )
    expect(aliasKey(pixels, call)).toMatchInlineSnapshot(
      `"adb8bdb799e07c01233882fe061168dd49deb7be0c6e2da71ab7c2d7b7e508d1"`,
    )
  })

  test('depends on every part of the request', () => {
    const { engine } = call
    const others: [string, EngineCall][] = [
      ['b'.repeat(64), call],
      [pixels, { ...call, scale: 4 }],
      [pixels, { ...call, params: { detail: 61, prompt: 'type' } }],
      [pixels, { ...call, params: { detail: 60 } }],
      [pixels, { ...call, params: { detail: '60', prompt: 'type' } }],
      [pixels, { ...call, engine: { ...engine, id: 'fal' } }],
      [pixels, { ...call, engine: { ...engine, model: 'other' } }],
      [pixels, { ...call, engine: { ...engine, revision: '2' } }],
    ]
    expect(new Set([answerKeyOf(pixels, call), ...others.map(other => answerKeyOf(...other))]).size).toBe(
      others.length + 1,
    )
  })

  test('does not depend on the order in which parameters were written', () => {
    expect(answerKeyOf(pixels, { ...call, params: { prompt: 'type', detail: 60 } })).toBe(
      answerKeyOf(pixels, call),
    )
  })

  test('keeps neighbouring texts apart', () => {
    const engine = (id: string, model: string): EngineCall => ({
      ...call,
      engine: { id, model, revision: '1' },
    })
    expect(answerKeyOf(pixels, engine('ab', 'c'))).not.toBe(answerKeyOf(pixels, engine('a', 'bc')))
  })
})

test('the key of a finished file depends on the answer and on how it is written', () => {
  const answer = answerKeyOf(pixels, call)
  const keys = [
    outputKey(answer, 'x', file),
    outputKey(answer, 'y', file),
    outputKey(answer, 'x', { ...file, format: 'webp' }),
    outputKey(answer, 'x', { ...file, quality: 80 }),
    outputKey(answer, 'x', { ...file, width: 5 }),
    outputKey(answer, 'x', { ...file, lossless: true }),
    outputKey(answer, 'x', { ...file, fileName: 'b-2x.png' }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})
