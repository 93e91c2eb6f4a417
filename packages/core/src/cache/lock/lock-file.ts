import { randomUUID } from 'node:crypto'
import { link, opendir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { discard, errnoOf, makeFolder, openPatiently, READ, whileHeldOpen } from '../disk.ts'
import { type LockOwner, type LockToken, parseToken, printToken } from './lock-owner.ts'

// The steps of the lock's protocol that touch its file; lock.ts has the protocol.

const MAX_TOKEN_BYTES = 4096

/** A lock file as read. */
export interface SeenLock {
  readonly text: string
  readonly token: LockToken | undefined
  readonly inode: number
  readonly mtimeMs: number
}

/** The token of a lock that became ours; undefined when somebody has it. */
export async function publishToken(file: string, self: LockOwner): Promise<LockToken | undefined> {
  const token: LockToken = { id: randomUUID(), ...self, acquiredAt: new Date().toISOString() }
  const draft = join(dirname(file), `${token.id}.token`)
  await createFile(draft, printToken(token)).catch(async error => {
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeFolder(dirname(file))
    await createFile(draft, printToken(token))
  })
  try {
    await link(draft, file)
    return token
  } catch (error) {
    // Over NFS the link can be made and its answer lost, so that the repeat finds it there.
    if (errnoOf(error) === 'EEXIST') return (await readLock(file))?.token?.id === token.id ? token : undefined
    if (!['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK'].includes(errnoOf(error)))
      throw error
    return await createExclusively(file, token)
  } finally {
    // The lock may be ours already. What stays, a later sweep removes.
    await discard(draft)
  }
}

async function createExclusively(file: string, token: LockToken): Promise<LockToken | undefined> {
  try {
    await createFile(file, printToken(token))
    return token
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined
    throw error
  }
}

async function createFile(file: string, text: string): Promise<void> {
  const handle = await openPatiently(file, 'wx')
  try {
    await handle.writeFile(text)
  } finally {
    await handle.close()
  }
}

/**
 * Reads a lock file; undefined where there is none. A network file system may remember that a name was not there, until the
 * folder that it is missing in is opened. An owner that took this for the end of its lock would leave it behind when it gives
 * it back, and keep everybody out for as long as it lives.
 */
export async function readLock(file: string): Promise<SeenLock | undefined> {
  const seen = await look(file)
  if (seen !== undefined) return seen
  await opendir(dirname(file)).then(
    folder => folder.close(),
    () => undefined, // not there, most often
  )
  return look(file)
}

async function look(file: string): Promise<SeenLock | undefined> {
  try {
    const handle = await openPatiently(file, READ)
    try {
      const { ino, mtimeMs } = await handle.stat()
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_TOKEN_BYTES), 0, MAX_TOKEN_BYTES, 0)
      const text = buffer.toString('utf8', 0, bytesRead)
      return { text, token: parseToken(text), inode: ino, mtimeMs }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export function isSame(one: SeenLock, other: SeenLock): boolean {
  return one.text === other.text && one.inode === other.inode
}

/** Moves the file's time, by the file system's clock: its first byte is written again, as it is. */
export async function beat(file: string, token: LockToken): Promise<void> {
  const handle = await openPatiently(file, 'r+')
  try {
    const own = printToken(token)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_TOKEN_BYTES), 0, MAX_TOKEN_BYTES, 0)
    if (buffer.toString('utf8', 0, bytesRead) === own) await handle.write(own.slice(0, 1), 0)
  } finally {
    await handle.close()
  }
}

export async function removeOwn(file: string, token: LockToken): Promise<void> {
  const seen = await readLock(file)
  if (seen?.token?.id !== token.id) return
  await whileHeldOpen(() => unlink(file)).catch(error => {
    if (errnoOf(error) !== 'ENOENT') throw error
  })
}
