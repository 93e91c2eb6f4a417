import { dollars, type Report } from 'upscale-core'

/** One line about a build; undefined when there is nothing to tell. */
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
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
    `${dollars(spentMicros)} spent`,
    ...(savedMicros > 0 ? [`${dollars(savedMicros)} saved`] : []),
  ]
  return parts.join(', ')
}
