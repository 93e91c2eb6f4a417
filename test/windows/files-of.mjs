import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every file of a folder by its name with `/`, and the hash of its bytes. */
export function filesOf(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
  return Object.fromEntries(
    names.sort().map(name => [name.replaceAll('\\', '/'), hashOf(readFileSync(join(folder, name)))]),
  )
}

/** SHA-256, in hexadecimal. */
export function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
