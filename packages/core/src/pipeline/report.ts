import type { UpscaleError } from '../errors.ts'
import type { UpscaleRequest } from '../request/directive.ts'
import { escapeText } from '../safe-text.ts'
import type { Format } from '../source/format.ts'

/** Where the bytes came from: an earlier run, the remote cache, an engine just now, or a stand-in because of `onError`. */
export type Origin = 'cache' | 'remote' | 'engine' | 'fallback'

/** One picture that was delivered. */
export interface ReportImage {
  /** The source, relative to the project's folder. */
  readonly source: string
  readonly factor: number
  /** Name of the engine, as configured. */
  readonly engine: string
  readonly model: string
  /** What the engine chose for this picture, where its model leaves a choice. */
  readonly chosen?: string
  readonly origin: Origin
  readonly format: Format
  /** Size of the delivered picture, in pixels. */
  readonly width: number
  readonly height: number
  /** Size of the delivered file, in bytes. */
  readonly bytes: number
  /** Size of the source file, in bytes. */
  readonly sourceBytes: number
  /** What this run paid for it, in millionths of a US dollar. */
  readonly costMicros: number
  /** What the engine would have charged, had it not been in a cache, in millionths of a US dollar. */
  readonly savedMicros: number
}

/** What happened so far, as data; whoever prints it decides how. */
export interface Report {
  readonly images: readonly ReportImage[]
  /** What was refused and not delivered since; the source as in {@link ReportImage}. */
  readonly refused: readonly { readonly source: string; readonly error: UpscaleError }[]
  /** What paid engines charged in this run, in millionths of a US dollar. */
  readonly spentMicros: number
  /** Things a user should know that did not stop the build. */
  readonly notices: readonly string[]
}

export interface Recorder {
  image(image: ReportImage): void
  refused(source: string, request: Partial<UpscaleRequest>, error: UpscaleError): void
  /**
   * What was refused before has been repaired since.
   * @param sourceOf tells the source where it counts, which it seldom does
   */
  delivered(sourceOf: () => string, request: Partial<UpscaleRequest>): void
  notice(text: string): void
  report(spentMicros: number): Report
}

/** The most rows of a kind that are kept, so that a process which never ends doesn't grow: some 30 MB. */
const MAX_ROWS = 100_000

/**
 * Collects what happened. A picture asked for twice is one row; the row that says more (an engine ran) stays.
 *
 * @param onImage takes each row as it comes, and none is kept
 */
export function createRecorder(
  onNotice: (text: string) => void,
  onImage?: (image: ReportImage) => void,
): Recorder {
  const images = new Map<string, ReportImage>()
  const refused = new Map<string, Report['refused'][number]>()
  const keyOf = (source: string, request: Partial<UpscaleRequest>): string =>
    JSON.stringify([source, request])
  const notices = new Set<string>()
  return {
    image(image) {
      if (onImage !== undefined) {
        onImage(image)
        return
      }
      const key = `${image.source}\n${image.factor} ${image.engine} ${image.format} ${image.bytes}`
      const known = images.get(key)
      if (known === undefined || known.origin === 'cache') images.set(key, image)
      trim(images)
    },
    refused(source, request, error) {
      refused.set(keyOf(source, request), { source, error })
      trim(refused)
    },
    delivered(sourceOf, request) {
      if (refused.size > 0) refused.delete(keyOf(sourceOf(), request))
    },
    notice(written) {
      const text = escapeText(written)
      if (notices.has(text)) return
      notices.add(text)
      trim(notices)
      onNotice(text)
    },
    report: spentMicros => ({
      images: [...images.values()],
      refused: [...refused.values()],
      spentMicros,
      notices: [...notices],
    }),
  }
}

/** Lets the oldest row go. */
function trim(rows: Map<string, unknown> | Set<string>): void {
  if (rows.size <= MAX_ROWS) return
  for (const oldest of rows.keys()) {
    rows.delete(oldest)
    return
  }
}
