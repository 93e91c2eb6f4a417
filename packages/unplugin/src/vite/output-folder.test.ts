import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createOutputFolder, noteBegin } from './output-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upscale-output-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const HOUR_MS = 3_600_000

/** A page with a tagged picture, dated by a clock that is so far ahead. */
function writePage(name: string, aheadMs: number): void {
  const file = join(folder, name)
  writeFileSync(file, '<img src="a.png?upscale=2">')
  const at = new Date(clock() + aheadMs)
  utimesSync(file, at, at)
}

const clock = Date.now

test.each([2, -2])(
  'what was written before and after the clock was set by %d hours is searched',
  async hours => {
    writePage('old.html', -48 * HOUR_MS)
    const began = noteBegin()
    writePage('before.html', 0)
    vi.spyOn(Date, 'now').mockImplementation(() => clock() + hours * HOUR_MS)
    writePage('after.html', hours * HOUR_MS)
    const rules = { ownPrefixes: ['/'], isKnown: () => false }
    const left = await createOutputFolder(folder, began, rules).look()
    expect(left.map(({ output }) => output).sort()).toEqual(['after.html', 'before.html'])
  },
)
