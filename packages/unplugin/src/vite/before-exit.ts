/** What is looked at when the process is about to end. Gives the text of an error; undefined when all is well. */
type Look = () => Promise<{ readonly text: string; readonly isError: boolean } | undefined>

const looks = new Set<Look>()

/**
 * Frameworks write pages after the bundle is done (VitePress, Astro, prerenderers), and no bundler has a hook for that. So
 * what they wrote is looked at when nothing else is left to do, and an error ends the process with exit code 1.
 */
export function lookBeforeExit(look: Look): void {
  if (looks.size === 0) process.once('beforeExit', lookNow)
  looks.add(look)
}

async function lookNow(): Promise<void> {
  const due = [...looks]
  looks.clear()
  for (const look of due) {
    const found = await look()
    if (found === undefined) continue
    process.stderr.write(`[upscale] ${found.text}\n`)
    if (found.isError) process.exitCode = 1
  }
}
