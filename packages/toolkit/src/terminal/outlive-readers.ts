/** How a write fails where the reader is gone (`| head` has seen enough), and where the terminal is. */
const GONE = new Set(['EPIPE', 'EIO'])

let holders = 0

/**
 * Lets the process go on where nobody reads what it prints any more: Node would end it, and the calls under way with it.
 *
 * @returns lets it end again
 */
export function outliveReaders(): () => void {
  if (holders++ === 0) for (const stream of [process.stdout, process.stderr]) stream.on('error', onError)
  let isHeld = true
  return () => {
    if (!isHeld) return
    isHeld = false
    if (--holders === 0) for (const stream of [process.stdout, process.stderr]) stream.off('error', onError)
  }
}

function onError(error: NodeJS.ErrnoException): void {
  if (!GONE.has(error.code ?? '')) throw error
}
