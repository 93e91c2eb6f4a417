import { hash } from 'node:crypto'
import { appendFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { type Hit, openHitJournal } from './hit-journal.ts'
import type { AnswerKey } from './keys.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upscale-hits-'))
  file = join(folder, 'v1/hits.jsonl')
})

function hit(width: number): Hit {
  return {
    answerKey: 'a'.repeat(64) as AnswerKey,
    answer: 'b'.repeat(64),
    output: {
      key: 'c'.repeat(64),
      fileName: 'hero-2x.png',
      size: 10,
      sha256: 'd'.repeat(64),
      width,
      height: 4,
      format: 'png',
      engine: 'local',
      model: 'best',
      createdAt: '2026-01-01T00:00:00.000Z',
    },
    source: { width: 2, height: 2, lossless: false },
  }
}

test('finds what an earlier process added; the last line of a key wins', () => {
  const journal = openHitJournal(folder)
  journal.add('one', hit(1))
  journal.add('two', hit(2))
  journal.add('one', hit(3))
  expect(openHitJournal(folder).find('one')).toEqual(hit(3))
  expect(openHitJournal(folder).find('two')).toEqual(hit(2))
  expect(openHitJournal(folder).find('three')).toBeUndefined()
})

test('adds nothing twice', () => {
  openHitJournal(folder).add('one', hit(1))
  const before = readFileSync(file)
  openHitJournal(folder).add('one', hit(1))
  expect(readFileSync(file)).toEqual(before)
})

test('skips every line that was changed or torn, and keeps the others', () => {
  const journal = openHitJournal(folder)
  for (const key of ['one', 'two', 'three']) journal.add(key, hit(1))
  const lines = readFileSync(file, 'utf8').split('\n')
  for (let at = 0; at < (lines[1]?.length ?? 0); at += 7) {
    const changed = `${lines[1]?.slice(0, at)}#${lines[1]?.slice(at + 1)}`
    writeFileSync(file, [lines[0], changed, lines[2], ''].join('\n'))
    const again = openHitJournal(folder)
    expect(again.find('two')).toBeUndefined()
    expect(again.find('three')).toEqual(hit(1))
  }
  appendFileSync(file, lines[0]?.slice(0, 40) ?? '')
  expect(openHitJournal(folder).find('one')).toEqual(hit(1))
})

test('is written anew when most of its lines are stale', () => {
  const journal = openHitJournal(folder)
  for (let round = 0; round < 1500; round++) journal.add('one', hit(round + 1))
  expect(openHitJournal(folder).find('one')).toEqual(hit(1500))
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(1)
})

test('does without where it can’t be written', () => {
  writeFileSync(join(folder, 'v1'), 'in the way')
  const journal = openHitJournal(folder)
  journal.add('one', hit(1))
  expect(journal.find('one')).toEqual(hit(1))
})

test.each([
  ['no JSON', () => 'x'],
  ['null', () => 'null'],
  ['a key that leads elsewhere', (line: object) => JSON.stringify({ ...line, pay: '../'.repeat(22) })],
  ['an answer that is no digest', (line: object) => JSON.stringify({ ...line, answer: 'a' })],
  [
    'sides below nothing',
    (line: object) => JSON.stringify({ ...line, source: { width: -1, height: 2, lossless: true } }),
  ],
])('skips a line of somebody who knows how to write one, with %s', (_, spoil) => {
  openHitJournal(folder).add('one', hit(1))
  const line = JSON.parse(readFileSync(file, 'utf8').slice(17))
  const json = spoil({ ...line, key: 'two' })
  appendFileSync(file, `${hash('sha256', json, 'hex').slice(0, 16)} ${json}\n`)
  expect(openHitJournal(folder).find('two')).toBeUndefined()
  expect(openHitJournal(folder).find('one')).toEqual(hit(1))
})

test('lines that are none are gone through once, and let go when it is written anew', () => {
  openHitJournal(folder).add('one', hit(1))
  const good = readFileSync(file, 'utf8')
  writeFileSync(file, `${'\n'.repeat(2_000_000)}${'x'.repeat(25)}damaged"\n${good}`)
  expect(openHitJournal(folder).find('one')).toEqual(hit(1))
  expect(readFileSync(file, 'utf8')).toBe(good)
})

test('a full journal takes nothing more; the next process keeps its newer half and goes on', () => {
  const limits = { full: 4000, most: 8000 }
  const first = openHitJournal(folder, limits)
  for (let number = 0; number < 100; number++) first.add(`key ${number}`, hit(number + 1))
  const { size } = statSync(file)
  expect(size).toBeGreaterThanOrEqual(limits.full)
  expect(size).toBeLessThan(limits.full + 1000)
  expect(first.find('key 0')).toEqual(hit(1))
  expect(first.find('key 99')).toBeUndefined()

  const second = openHitJournal(folder, limits)
  expect(second.find('key 0')).toEqual(hit(1))
  second.add('key 99', hit(100))
  expect(statSync(file).size).toBeLessThan(limits.full)
  const third = openHitJournal(folder, limits)
  expect(third.find('key 0')).toBeUndefined()
  expect(third.find('key 99')).toEqual(hit(100))
})

test('a journal that is too large to be read is begun anew', () => {
  const limits = { full: 4000, most: 8000 }
  const journal = openHitJournal(folder, limits)
  journal.add('one', hit(1))
  appendFileSync(file, 'x'.repeat(limits.most))
  openHitJournal(folder, limits).add('two', hit(2))
  expect(statSync(file).size).toBeLessThan(1000)
  expect(openHitJournal(folder, limits).find('two')).toEqual(hit(2))
})
