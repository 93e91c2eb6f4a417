import { expect, test } from 'vitest'
import { type Lock, whileHeld } from './lock.ts'

const stuck: Lock = { check: async () => {}, release: () => Promise.reject(new Error('the lock stays')) }

test('the error of the work is thrown, not that of the lock', async () => {
  const work = () => Promise.reject(new Error('the answer lies in /elsewhere'))
  await expect(whileHeld(stuck, work)).rejects.toThrow('the answer lies in /elsewhere')
})

test('a lock that can not be removed is an error where the work had none', async () => {
  await expect(whileHeld(stuck, async () => 1)).rejects.toThrow('the lock stays')
})
