import type { Report, ResolvedOptions } from 'upscale-core'
import { dollars, escapeText, suggestFormat } from 'upscale-core/internal'
import type { HostLogger } from './host-logger.ts'
import type { BuildOptions } from './options.ts'
import type { ProjectUpscaler } from './project-upscaler.ts'

/** The most refused pictures that are named. */
const MOST_NAMED = 3
/** The most delivered files that are named, heaviest first. */
const MOST_HEAVY = 3

/** A line about a build, one about the bytes it ships, one about how to ship fewer; undefined when there is nothing to tell. */
export function summaryOf({ images, refused, spentMicros }: Report): string | undefined {
  if (images.length === 0 && refused.length === 0) return undefined
  const from = (origin: Report['images'][number]['origin']): number =>
    images.filter(image => image.origin === origin).length
  const savedMicros = images.reduce((sum, image) => sum + image.savedMicros, 0)
  const parts = [
    `${from('engine')} upscaled`,
    `${from('cache')} from the cache`,
    ...(from('remote') > 0 ? [`${from('remote')} from the remote cache`] : []),
    ...(from('fallback') > 0 ? [`${from('fallback')} shipped as a stand-in`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused (${namesOf(refused)})`] : []),
    `${dollars(spentMicros)} spent`,
    ...(savedMicros > 0 ? [`${dollars(savedMicros)} saved`] : []),
  ]
  return [parts.join(', '), ...weightOf(images)].join('\n')
}

/** A host that keeps nothing lets every build make its pictures again; what to do is said where some were made. */
function withAdvice(
  summary: string,
  { images }: Report,
  { scratchAdvice }: Pick<ResolvedOptions, 'scratchAdvice'>,
): string {
  const isMade = images.some(({ origin }) => origin === 'engine')
  return isMade && scratchAdvice !== undefined ? `${summary}\n${scratchAdvice}` : summary
}

/** What a page gets to carry: bytes before and after, then the heaviest files. */
function weightOf(images: Report['images']): string[] {
  if (images.length === 0) return []
  const before = images.reduce((sum, { sourceBytes }) => sum + sourceBytes, 0)
  const after = images.reduce((sum, { bytes }) => sum + bytes, 0)
  const heaviest = [...images]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, MOST_HEAVY)
    .map(({ source, bytes, sourceBytes }) => `${source} ${kilobytes(sourceBytes)} → ${kilobytes(bytes)}`)
  return [`${kilobytes(before)} → ${kilobytes(after)}; heaviest: ${heaviest.join(', ')}`, ...adviceOn(images)]
}

/** How to ship half of the bytes, where that is likely. */
function adviceOn(images: Report['images']): string[] {
  const heavy = images.filter(({ format, bytes }) => suggestFormat(format, bytes) !== undefined)
  if (heavy.length === 0) return []
  const bytes = heavy.reduce((sum, image) => sum + image.bytes, 0)
  const what = heavy.length === 1 ? 'a PNG has' : `${heavy.length} PNGs have`
  return [`${what} ${kilobytes(bytes)}, likely less than half of it as webp: &format=webp, or format: 'webp'`]
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}

/**
 * Makes what ends every build: the summary goes to the host's logger, once for each change, so that a rebuild that
 * touched no picture says nothing, and neither does the second compiler of a project over the pictures of the first; the
 * report goes to the user's function.
 */
export function createBuildSummary(
  options: BuildOptions,
  logger: HostLogger,
): (projectUpscaler: ProjectUpscaler) => void {
  let told: string | undefined
  return projectUpscaler => {
    projectUpscaler.settle()
    const report = projectUpscaler.report()
    if (summaryOf(report) === undefined) return
    const { told: others } = projectUpscaler
    const fresh = report.images.filter(image => !others.isElsewhere(image))
    const summary = summaryOf({ ...report, images: fresh })
    if (summary !== undefined && summary !== told)
      logger.info(withAdvice(summary, report, projectUpscaler.options))
    others.add(fresh)
    told = summary
    options.onReport(report)
  }
}

function namesOf(refused: Report['refused']): string {
  const names = [...new Set(refused.map(({ source }) => source))]
  const others = names.length - MOST_NAMED
  return [...names.slice(0, MOST_NAMED).map(escapeText), ...(others > 0 ? [`and ${others} more`] : [])].join(
    ', ',
  )
}
