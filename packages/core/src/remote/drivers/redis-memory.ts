/** True for what a Redis says whose memory is used up and which may forget nothing. */
export function isFull(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('OOM ')
}

/** How a Redis forgets what it was told, once its memory is used up; undefined for one that does not. */
export function evictionOf(memoryInfo: string): string | undefined {
  const policy = /^maxmemory_policy:(\S+)/m.exec(memoryInfo)?.[1]
  const isLimited = Number(/^maxmemory:(\d+)/m.exec(memoryInfo)?.[1] ?? 0) > 0
  if (policy === undefined || policy === 'noeviction' || !isLimited) return undefined
  return `it forgets what it was told when its memory is used up (maxmemory-policy ${policy})`
}
