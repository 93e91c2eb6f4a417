/** A line at the bottom of a terminal that is drawn over and over, below everything else that is written there. */
export interface LiveLine {
  /** Draws it. @param textFor gives the text in as many columns as fit */
  draw(textFor: (columns: number) => string): void
  /** Takes it away. */
  clear(): void
}

/** What of a process is needed. */
export interface LineOwner {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where a line starts, emptied. */
const ERASE = '\r\u001b[2K'

/** What leads back to the start of a line, or empties it. */
const MOVES = ['\r', '\u001b[2K', '\u001b[K', '\u001b[0K', '\u001b[1G', '\u001b[G']

/** For a terminal that doesn't say. */
const COLUMNS = 80

/**
 * A live line on stderr; undefined where a line can't be drawn over: no terminal, a CI job, whose log keeps every state,
 * or `TERM=dumb`.
 *
 * While a line is drawn, whatever else is written to the terminal through this process comes above it: writing is
 * watched, the line goes away before, and comes back with the next drawing. There is one line for a terminal, whoever
 * draws it: of several, the one that began first is seen.
 */
export function openLiveLine({ stdout, stderr, env }: LineOwner): LiveLine | undefined {
  const { CI: ci = '', TERM: term } = env
  const isLog = ci !== '' && ci !== 'false'
  if (!stderr.isTTY || isLog || term === 'dumb') return undefined
  const screen = screenOf(stderr, stdout)
  const owner = {}
  return {
    draw: textFor => screen.draw(owner, textFor),
    clear: () => screen.clear(owner),
  }
}

interface Screen {
  draw(owner: object, textFor: (columns: number) => string): void
  clear(owner: object): void
}

const screens = new WeakMap<NodeJS.WriteStream, Screen>()

function screenOf(stderr: NodeJS.WriteStream, stdout: NodeJS.WriteStream): Screen {
  const known = screens.get(stderr)
  if (known !== undefined) return known
  const screen = createScreen(stderr, stdout.isTTY ? [stderr, stdout] : [stderr])
  screens.set(stderr, screen)
  return screen
}

function createScreen(stream: NodeJS.WriteStream, watched: readonly NodeJS.WriteStream[]): Screen {
  const owners = new Set<object>()
  let isDrawn = false
  let isOurs = false
  // Somebody wrote half a line, which must not be erased, unless it is a live line of theirs, drawn anew each time.
  let isHeld = false
  let isTheirs = false
  let unwatch: (() => void)[] = []

  function write(text: string): void {
    isOurs = true
    stream.write(text)
    isOurs = false
  }

  function erase(): void {
    if (isDrawn) write(ERASE)
    isDrawn = false
  }

  function seeOther(chunk: unknown): void {
    if (isOurs) return
    erase()
    const lines = textOf(chunk).split('\n')
    const last = lines.at(-1) ?? ''
    isTheirs = MOVES.some(move => last.includes(move)) || (isTheirs && lines.length === 1)
    if (last !== '' || lines.length > 1) isHeld = last !== '' && !isTheirs
  }

  return {
    draw(owner, textFor) {
      if (owners.size === 0) {
        isHeld = false
        unwatch = watched.map(one => watchWrites(one, seeOther))
      }
      owners.add(owner)
      const [first] = owners
      if (isHeld || first !== owner) return
      write(ERASE + textFor((stream.columns || COLUMNS) - 1))
      isDrawn = true
    },
    clear(owner) {
      if (!owners.delete(owner) || owners.size > 0) return
      erase()
      for (const stop of unwatch.splice(0)) stop()
    },
  }
}

/** Calls back before everything that is written to a stream. */
function watchWrites(stream: NodeJS.WriteStream, see: (chunk: unknown) => void): () => void {
  const { write } = stream
  const watching: typeof write = (...args: unknown[]): boolean => {
    see(args[0])
    return Reflect.apply(write, stream, args)
  }
  stream.write = watching
  return () => {
    // If another has wrapped it since, ours has to stay inside; it does nothing while no line is drawn.
    if (stream.write === watching) stream.write = write
  }
}

function textOf(chunk: unknown): string {
  return typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString()
}
