import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { PIECE_BYTES } from '../../source/pieces.ts'
import { readBase64 } from './base64.ts'
import { createJsonReader, LongText, parseLargeJson } from './large-json.ts'

const PICTURE = randomBytes(700_000)
const BASE64 = PICTURE.toString('base64')

/** The bytes of the picture in `b`, read in pieces of a size. */
async function pictureIn(json: string, pieceBytes: number): Promise<Buffer | undefined> {
  const reader = createJsonReader()
  const body = Buffer.from(json)
  for (let at = 0; at < body.length; at += pieceBytes) reader.add(body.subarray(at, at + pieceBytes))
  const { value, text } = reader.end()
  expect(value).toEqual({ a: '\u00e4"\\', b: expect.any(String), c: [1, ''] })
  const found = text((value as { b: string }).b)
  expect(found).toBeInstanceOf(LongText)
  return readBase64(found)
}

const around = (text: string): string => `{"a":"\u00e4\\"\\\\","b":"${text}","c":[1,""]}`

describe('a picture in JSON', () => {
  test.each([
    ['as it is', BASE64],
    ['as a data: URL', `data:image/png;base64,${BASE64}`],
    ['with line breaks', BASE64.replaceAll(/.{76}/g, '$&\\r\\n')],
    ['with escaped slashes', BASE64.replaceAll('/', '\\/')],
    ['with escaped signs', BASE64.replaceAll('+', '\\u002b').replaceAll('/', '\\u002F')],
    ['in the alphabet of addresses, without padding', PICTURE.toString('base64url')],
  ])('%s is the same, wherever the pieces are cut', async (_, text) => {
    for (const size of [PIECE_BYTES, 65_536, 10_007, 1_000_000_000]) {
      expect((await pictureIn(around(text), size))?.equals(PICTURE), `pieces of ${size}`).toBe(true)
    }
  })

  test.each([
    ['cut short', BASE64.slice(0, -3)],
    ['with a strange character in the middle', `${BASE64.slice(0, 500_000)}*${BASE64.slice(500_001)}`],
    ['with padding in the middle', `${BASE64.slice(0, 400_000)}==${BASE64.slice(400_000)}`],
    ['with half an escape at its end', `${BASE64.slice(0, 400_000)}%2`],
  ])('%s is none', async (_, text) => {
    expect((await pictureIn(around(text), PIECE_BYTES)) === undefined).toBe(true)
  })
})

test('texts are the ones that JSON.parse gives, wherever the pieces are cut', () => {
  const value = { '\\"': ['\\\\', '"', 'x'.repeat(20_000), { y: `${'\\'.repeat(20_001)}"` }], z: '\u2028' }
  const body = Buffer.from(JSON.stringify(value))
  for (const size of [1, 2, 3, 5, 7, 20_011, body.length]) {
    const reader = createJsonReader()
    for (let at = 0; at < body.length; at += size) reader.add(body.subarray(at, at + size))
    const { value: found, text } = reader.end()
    const whole = JSON.stringify(found, (_, item) => {
      const known = typeof item === 'string' ? text(item) : item
      if (!(known instanceof LongText)) return known
      return JSON.parse(`"${Buffer.concat(known.parts)}"`)
    })
    expect(whole, `pieces of ${size}`).toBe(body.toString())
  }
})

test.each([
  ['nothing', ''],
  ['a text that does not end', `{"a":"${'x'.repeat(50_000)}`],
  ['a text that ends in an escaped quote', `{"a":"${'x'.repeat(50_000)}\\"}`],
  ['two values', `"${'x'.repeat(50_000)}" 1`],
  ['endless nesting', '['.repeat(10_000_000)],
  ['many short texts', `[${'"",'.repeat(3_000_000)}""]`],
])('%s is no JSON', async (_, body) => {
  expect((await parseLargeJson(Buffer.from(body))).value).toBeUndefined()
})

test('a text that looks like a mark is itself', async () => {
  const { value, text } = await parseLargeJson(Buffer.from('["00000000-0000-4000-8000-000000000000-0"]'))
  expect(text((value as string[])[0] as string)).toBe('00000000-0000-4000-8000-000000000000-0')
})
