/**
 * Calls under way in this process, by cache folder and key. It is shared by all upscalers, since a client build, a
 * server build and two plugins may ask for one picture at once.
 */
const flights = new Map<string, Promise<unknown>>()

/** Runs `work` unless the same key is under way already; then its result is shared. */
export function singleFlight<T>(key: string, work: () => Promise<T>): Promise<T> {
  const running = flights.get(key)
  if (running !== undefined) return running as Promise<T>
  const flight = work().finally(() => flights.delete(key))
  flights.set(key, flight)
  return flight
}
