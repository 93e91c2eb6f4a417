import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../test-support/fault-kit.ts'
import { Quarantine } from './quarantine.ts'
import type { Flaw } from './read-entry.ts'

interface Sound {
  readonly state: 'sound'
}

const names = (folder: string): string[] => readdirSync(folder)

function look(path: string): Flaw | Sound {
  try {
    return readFileSync(path, 'utf8') === 'good'
      ? { state: 'sound' }
      : { state: 'damaged', reason: 'it is bad' }
  } catch {
    return { state: 'absent' }
  }
}

test('what another heals between the look and the move is not moved', async () => {
  const root = temporaryFolder()
  const path = join(root, 'entry')
  writeFileSync(path, 'bad')
  const [one, other] = [1, 2].map(() => new Quarantine(root, false, () => {})) as [Quarantine, Quarantine]

  async function heal(): Promise<void> {
    await other.lookUp(path, look)
    writeFileSync(path, 'good')
  }

  let healing: Promise<void> | undefined
  let looks = 0
  const moved: string[] = []
  await one.lookUp(path, async seen => {
    const state = look(seen)
    if (seen !== path && state.state === 'sound') moved.push(seen)
    // The last look before the move. Who may move meanwhile has all the time it needs.
    if (++looks === 3) {
      healing = heal()
      await Promise.race([healing, sleep(500)])
    }
    return state
  })
  await healing
  expect(moved).toEqual([])
  expect(readFileSync(path, 'utf8')).toBe('good')
  expect(names(join(root, 'quarantine'))).toHaveLength(1)
  expect(names(join(root, 'locks'))).toEqual([])
})
