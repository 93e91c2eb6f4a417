import type { Directive, ResolvedOptions, UpscaledImage } from 'upscale-core'
import { queryOf, withRest } from './reference.ts'

/** What the code of a text output needs: where the image is, and the facts of the first picture. */
export interface VariantParts {
  /** Specifier of the image, without a query. */
  readonly path: string
  /** Specifier of the image as it is. @default the path, with what was not ours in the reference */
  readonly original?: string
  readonly image: Pick<UpscaledImage, 'width' | 'height' | 'format' | 'factor' | 'engine'>
}

/**
 * The module that `as=srcset` or `as=metadata` stands for. It imports the original and the pictures, so that the
 * bundler hashes, inlines and rebases them like any other image.
 */
export function variantCode(
  directive: Directive,
  { path, original = path + directive.rest, image }: VariantParts,
  options: Pick<ResolvedOptions, 'engine'>,
): string {
  const upscaled = directive.requests.map(
    request => path + withRest(queryOf(request, options), directive.rest),
  )
  const names = upscaled.map((_, index) => `upscaled${index}`)
  const candidates = directive.requests.map(
    ({ factor }, index) => `\${addressOf(${names[index]})} ${factor}x`,
  )
  const lines = [
    `import original from ${JSON.stringify(original)}`,
    ...upscaled.map((specifier, index) => `import ${names[index]} from ${JSON.stringify(specifier)}`),
    // Astro and Next.js make an object of an imported image.
    "const addressOf = image => (typeof image === 'string' ? image : image.src)",
    `const srcset = \`\${addressOf(original)} 1x, ${candidates.join(', ')}\``,
  ]
  if (directive.as === 'srcset') return [...lines, 'export default srcset', ''].join('\n')
  const { width, height, format, factor, engine } = image
  const facts = JSON.stringify({ width, height, format, factor, engine })
  return [...lines, `export default { src: addressOf(${names[0]}), srcset, ...${facts} }`, ''].join('\n')
}
