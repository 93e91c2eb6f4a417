import { existsSync } from 'node:fs'

/** One that goes each time is not removed by chance. */
const ATTEMPTS = 5

/**
 * Uses a finished file. Between its making and its use somebody may remove it, as `upscale prune` does beside a build; then it
 * is asked for again, which makes it of the answer that is kept.
 *
 * @param again asks for it once more
 * @throws what `use` throws of a file that is there
 */
export async function whileThere<Made extends { readonly file: string }, Result>(
  made: Made,
  again: () => Promise<Made>,
  use: (made: Made) => Promise<Result>,
): Promise<Result> {
  let current = made
  for (let attempt = 1; ; attempt++) {
    try {
      return await use(current)
    } catch (error) {
      if (attempt === ATTEMPTS || existsSync(current.file)) throw error
      current = await again()
    }
  }
}
