/**
 * Does work on every item, some at a time. An item is taken from the source only when a place is free, so a source of
 * any length needs no more memory than the items being worked on.
 *
 * @param stopping once aborted, no further item is taken
 * @throws what the source or the work throws, after the work under way has ended
 */
export async function forEach<T>(
  source: AsyncGenerator<T>,
  atATime: number,
  stopping: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let failed = false
  async function lane(): Promise<void> {
    while (!stopping.aborted && !failed) {
      const next = await source.next()
      if (next.done === true || stopping.aborted) return
      await work(next.value)
    }
  }
  const lanes = Array.from({ length: atATime }, () =>
    lane().catch(error => {
      failed = true
      throw error
    }),
  )
  const ends = await Promise.allSettled(lanes)
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** A list as a source for {@link forEach}. */
export async function* eachOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}
