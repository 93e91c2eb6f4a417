import type { Report, UpscaleError } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import { exitCodeOf } from '../exit-codes.ts'
import { shownPath } from '../files/operands.ts'
import { errorFacts, type Printer } from '../print.ts'
import { count, printTable } from '../table.ts'
import type { Page, PagePicture, PagePictures, PageReference } from './pictures.ts'

/** A tagged address in a file that is not rewritten. */
export interface Leftover {
  readonly file: string
  readonly line: number
  readonly address: string
}

/** What happened to a site. */
export interface SiteOutcome {
  readonly pages: readonly Page[]
  /** Files that were changed. */
  readonly rewritten: readonly string[]
  readonly pictures: PagePictures
  readonly leftovers: readonly Leftover[]
  readonly report: Report
  readonly dryRun: boolean
}

/** Prints the end of `upscale html` and returns the exit code. */
export function finishHtml(
  { pages, rewritten, pictures, leftovers, report, dryRun }: SiteOutcome,
  print: Printer,
): number {
  const cwd = process.cwd()
  const errors = pages.flatMap(page => page.references.flatMap(reference => errorsOf(reference, page, cwd)))
  for (const error of errors) print.error(error)
  const rows = pictures.all.flatMap(picture => rowsOf(picture, pages, cwd))
  if (rows.length > 0 && rows.length <= 40) print.result(printTable(rows))
  const priceMicros = pictures.all.reduce((sum, { plan }) => sum + (plan?.priceMicros ?? 0), 0)
  const by = (origin: string): number => pictures.all.filter(({ image }) => image?.origin === origin).length
  const parts = dryRun
    ? [
        `${count(pictures.all.length, 'picture')} for ${count(pages.length, 'file')}`,
        `${dollars(priceMicros)} for what is missing`,
      ]
    : [
        `${by('engine')} upscaled`,
        `${by('cache')} from the cache`,
        ...(by('remote') > 0 ? [`${by('remote')} from the remote cache`] : []),
        ...(by('fallback') > 0 ? [`${by('fallback')} replaced by a stand-in`] : []),
        `${count(rewritten.length, 'file')} rewritten`,
        `${dollars(report.spentMicros)} spent`,
      ]
  if (errors.length > 0) parts.push(print.paint.red(`${count(errors.length, 'reference')} failed`))
  print.result(parts.join(', '))
  print.document({
    images: pictures.all.map(factsOf),
    pages: pages.map(page => ({
      file: page.file,
      rewritten: rewritten.includes(page.file),
      references: page.references.length,
    })),
    errors: errors.map(errorFacts),
    leftovers,
    spentMicros: report.spentMicros,
    ...(dryRun ? { priceMicros } : {}),
    notices: report.notices,
  })
  return exitCodeOf(errors)
}

/** Every place that names a broken picture is told, so that a person can go to it. */
function errorsOf(
  { address, line, pictures, error }: PageReference,
  { file }: Page,
  cwd: string,
): UpscaleError[] {
  const place = { reference: address, importer: { file: shownPath(file, cwd), line } }
  return [error, ...pictures.map(picture => picture.error)].flatMap(one =>
    one === undefined ? [] : [one.at(place)],
  )
}

/** One row, or none for a picture that failed. */
function rowsOf(picture: PagePicture, pages: readonly Page[], cwd: string): string[][] {
  const { file, image, output, plan } = picture
  if (plan !== undefined) {
    const { factor, state, priceMicros } = plan
    return [[shownPath(file, cwd), `×${factor}`, state, dollars(priceMicros), placeOf(picture, pages, cwd)]]
  }
  if (image === undefined || output === undefined) return []
  const size = `${image.width} × ${image.height}`
  return [[shownPath(file, cwd), `→ ${shownPath(output, cwd)}`, size, image.origin]]
}

/** The first place that asks for a picture. */
function placeOf(picture: PagePicture, pages: readonly Page[], cwd: string): string {
  for (const { file, references } of pages) {
    const asks = references.find(({ pictures }) => pictures.includes(picture))
    if (asks !== undefined) return `${shownPath(file, cwd)}:${asks.line}`
  }
  return ''
}

function factsOf({ file, image, output, plan, error }: PagePicture): object {
  if (error !== undefined) return { source: file, state: 'failed', error: errorFacts(error) }
  if (plan !== undefined) return { ...plan, source: file }
  if (image === undefined) return { source: file, state: 'stopped' }
  const { origin, width, height, size, factor, engine } = image
  return { source: file, state: 'made', output, origin, width, height, bytes: size, factor, engine }
}
