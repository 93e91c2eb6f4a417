import { dollars, type Report } from 'upscale-core'

/** One line about a build; undefined when there is nothing to tell. */
export function summaryOf(report: Report): string | undefined {
  const { images, refused, spentMicros } = report
  if (images.length === 0 && refused.length === 0) return undefined
  const cached = images.filter(image => image.origin === 'cache').length
  const parts = [`${images.length - cached} upscaled`, `${cached} from the cache`]
  if (refused.length > 0) parts.push(`${refused.length} refused`)
  parts.push(`${dollars(spentMicros)} spent`)
  return parts.join(', ')
}
