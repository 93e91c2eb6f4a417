import { describe, expect, it } from 'vitest'
import { entryBody, frame, keyOf } from '../test-support/fault-kit.ts'
import { type EntryFacts, parseEntry, printEntry } from './entry.ts'
import { parseRecord, printRecord } from './record.ts'

const key = keyOf('entry')
const body = entryBody(key, new Uint8Array([1, 2, 3]))
const text = frame(body)
const { version, ...facts } = body

describe('valid', () => {
  it('reads what another writer of the format wrote', () => {
    expect(version).toBe(1)
    expect(parseEntry(text, key)).toEqual(facts)
    expect(parseEntry(Buffer.from(text), key)).toEqual(facts)
  })

  it('writes the format to the letter', () => {
    expect(printEntry(facts as unknown as EntryFacts)).toBe(text)
  })

  it('keeps cost, request id and what was chosen, and names outside ASCII', () => {
    const paid = {
      ...facts,
      costMicros: 60_000,
      requestId: 'req_1',
      chosen: 'design and photo',
      model: 'modèle\u2028 "x"\r\n',
    } as unknown as EntryFacts
    expect(parseEntry(printEntry(paid), key)).toEqual(paid)
  })

  it('forgives the line ends that git gives text files on Windows', () => {
    expect(parseEntry(text.replaceAll('\n', '\r\n'), key)).toEqual(facts)
  })

  it('cuts an endless request id instead of losing the answer', () => {
    const parsed = parseEntry(
      printEntry({ ...(facts as unknown as EntryFacts), requestId: 'x'.repeat(1e6) }),
      key,
    )
    expect(parsed).toMatchObject({ requestId: 'x'.repeat(200) })
  })
})

describe('invalid', () => {
  it('is nothing when it names another key', () => {
    expect(parseEntry(text, keyOf('other'))).toBeUndefined()
  })

  it('is nothing when it is longer than 64 KB', () => {
    expect(parseEntry(frame({ ...body, more: 'x'.repeat(70_000) }), key)).toBeUndefined()
  })

  it('says newer for a sound file of a later version', () => {
    expect(parseEntry(frame({ version: 2, whatever: [] }), key)).toBe('newer')
  })

  it.each([
    ['version', 0],
    ['version', '1'],
    ['version', 1.5],
    ['version', undefined],
    ['key', undefined],
    ['key', 1],
    ['fileName', '../x.png'],
    ['fileName', 'a/b.png'],
    ['fileName', 'entry.json'],
    ['fileName', ''],
    ['fileName', 'nul.png'],
    ['fileName', 'a\0.png'],
    ['fileName', ['x.png']],
    ['size', 0],
    ['size', -1],
    ['size', 1.5],
    ['size', 2 ** 31],
    ['size', '3'],
    ['sha256', 'ABC'],
    ['sha256', null],
    ['width', 0],
    ['width', 1e99],
    ['height', -2],
    ['format', 'svg'],
    ['format', 'constructor'],
    ['engine', 7],
    ['model', 'x'.repeat(1001)],
    ['chosen', ''],
    ['chosen', 'red\x1b[31m'],
    ['chosen', 'x'.repeat(61)],
    ['costMicros', -1],
    ['costMicros', 0.5],
    ['costMicros', null],
    ['requestId', 5],
    ['createdAt', 'yesterday'],
    ['createdAt', 0],
  ])('is nothing when %s is %j', (name, value) => {
    expect(parseEntry(frame({ ...body, [name]: value }), key)).toBeUndefined()
  })

  it.each([null, 1, 'x', [], [body], true])('is nothing when the body is %j', wrong => {
    expect(parseEntry(frame(wrong), key)).toBeUndefined()
  })
})

describe('hostile', () => {
  const bytes = Buffer.from(text)

  it('notices every changed bit', () => {
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(bytes)
        changed[at] = changed[at]! ^ (1 << bit)
        expect(parseEntry(changed, key), `bit ${bit} of byte ${at}`).toBeUndefined()
      }
    }
  })

  it('notices every cut, every doubled and every missing byte, and what was put before or behind', () => {
    for (let at = 0; at < bytes.length; at++) {
      expect(parseEntry(bytes.subarray(0, at), key)).toBeUndefined()
      expect(parseEntry(Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)]), key)).toBeUndefined()
      expect(parseEntry(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]), key)).toBeUndefined()
    }
    for (const more of [' ', '\n', '\0', '{}', text]) {
      expect(parseEntry(text + more, key)).toBeUndefined()
      expect(parseEntry(more + text, key)).toBeUndefined()
    }
  })

  it('has no opinion on deep nesting and prototypes', () => {
    expect(parseEntry('['.repeat(65_000), key)).toBeUndefined()
    expect(parseEntry(frame(JSON.parse('{"__proto__": {"version": 1}}')), key)).toBeUndefined()
  })
})

describe('records', () => {
  it('come back as they were, under their key only', () => {
    const record = { pay: keyOf('pay'), list: [1, { a: null }] }
    expect(printRecord(key, record)).toBe(frame({ version: 1, key, record }))
    expect(parseRecord(printRecord(key, record), key)).toEqual(record)
    expect(parseRecord(printRecord(key, record), keyOf('other'))).toBeUndefined()
    expect(parseRecord(frame({ version: 9 }), key)).toBe('newer')
    for (const wrong of [null, [], 'x', 1])
      expect(parseRecord(frame({ version: 1, key, record: wrong }), key)).toBeUndefined()
  })
})
