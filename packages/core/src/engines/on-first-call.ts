import type { FileEngine } from './engine.ts'

/** The part of an engine that talks to its service. */
export interface EngineCalls extends Pick<FileEngine, 'upscale' | 'quote'> {
  close(): Promise<void>
}

/**
 * Loads that part with the first call: a build whose pictures are all cached makes none, and shouldn't read an HTTP client.
 * After `close` it works again, as the part itself does.
 */
export function onFirstCall(
  load: () => Promise<EngineCalls>,
): Required<Pick<FileEngine, 'upscale' | 'quote' | 'close'>> {
  let loading: Promise<EngineCalls> | undefined
  const open = (): Promise<EngineCalls> => {
    loading ??= load()
    return loading
  }
  return {
    upscale: async (request, context) => (await open()).upscale(request, context),
    quote: async (request, context) => (await open()).quote?.(request, context),
    close: async () => (await loading)?.close(),
  }
}
