import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { whileThere } from './while-there.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upscale-there-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function make(): Promise<{ file: string }> {
  const file = join(folder, 'made')
  writeFileSync(file, 'made')
  return { file }
}

const use = async ({ file }: { readonly file: string }): Promise<string> => readFileSync(file, 'utf8')

test('a file that was removed is asked for again', async () => {
  const made = await make()
  rmSync(made.file)
  expect(await whileThere(made, make, use)).toBe('made')
})

test('one that is removed each time is an error in the end', async () => {
  let times = 0
  const gone = async (): Promise<{ file: string }> => {
    times++
    const made = await make()
    rmSync(made.file)
    return made
  }
  await expect(whileThere(await gone(), gone, use)).rejects.toThrow('ENOENT')
  expect(times).toBe(5)
})

test('what fails although the file is there fails once', async () => {
  let times = 0
  const fail = async (): Promise<void> => {
    times++
    throw new Error('full')
  }
  await expect(whileThere(await make(), make, fail)).rejects.toThrow('full')
  expect(times).toBe(1)
})
