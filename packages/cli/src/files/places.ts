import { basename, dirname, join } from 'node:path'

/** Files of a run, and whose each is. */
export interface Places {
  /** Gives a file to the first who asks for it. @returns whose it is */
  take(file: string, owner: string): string
}

const FIRST_BYTES = 1 << 16
const FIRST_SLOTS = 1 << 10
const NONE = 0
const NEW_LINE = 10
const FNV_PRIME = 0x01000193
const FNV_BASIS = 0x811c9dc5

/**
 * For hundreds of thousands of files: their names lie as bytes one behind the other, those of folders once, and a table
 * says where. A Map of paths would take several times as much.
 */
export function createPlaces(): Places {
  const folders: string[] = []
  const folderIds = new Map<string, number>()
  let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  let end = 0
  // Open addressing: 1 more than where a line starts.
  let slots = new Uint32Array(FIRST_SLOTS)
  let count = 0

  /** A path as JSON, which has no line break: where its folder stands, and its name unless that is known. */
  function lineOf(path: string, known?: string): Buffer {
    const folder = dirname(path)
    const name = basename(path)
    let id = folderIds.get(folder)
    if (id === undefined) {
      id = folders.push(folder) - 1
      folderIds.set(folder, id)
    }
    return Buffer.from(JSON.stringify(name === known ? [id] : [id, name]))
  }

  function pathOf(line: Buffer, known: string): string {
    const [id, name = known] = JSON.parse(line.toString()) as [number, string?]
    return join(folders[id] ?? '', name)
  }

  const lineAt = (start: number): Buffer => bytes.subarray(start, bytes.indexOf(NEW_LINE, start))

  /** Where a line stands, or could. */
  function slotOf(line: Uint8Array): number {
    let slot = hashOf(line) % slots.length
    while (slots[slot] !== NONE && !lineAt((slots[slot] as number) - 1).equals(line))
      slot = (slot + 1) % slots.length
    return slot
  }

  function append(line: Uint8Array): number {
    const start = end
    end += line.length + 1
    if (end > bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * Math.max(end, bytes.length))
      larger.set(bytes.subarray(0, start))
      bytes = larger
    }
    bytes.set(line, start)
    bytes[end - 1] = NEW_LINE
    return start
  }

  function enlargeTable(): void {
    const before = slots
    slots = new Uint32Array(2 * before.length)
    for (const start of before) if (start !== NONE) slots[slotOf(lineAt(start - 1))] = start
  }

  return {
    take(file, owner) {
      const line = lineOf(file)
      const start = slots[slotOf(line)] as number
      if (start !== NONE) return pathOf(lineAt(start + line.length), basename(file))
      if (2 * count >= slots.length) enlargeTable()
      slots[slotOf(line)] = append(line) + 1
      append(lineOf(owner, basename(file)))
      count++
      return owner
    },
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = FNV_BASIS
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME)
  return hash >>> 0
}
