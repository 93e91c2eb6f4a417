/*
 * Types of tagged imports for frameworks whose image imports are objects: Next.js, Astro. A tagged import has the type that
 * `./hero.png` has.
 *
 *     /// <reference types="unplugin-upscale/client/image" />
 *
 * TypeScript allows one `*` in a pattern, so a query can be typed by its end only. Factors that are listed here are
 * typed as they stand; for any other number end the query with `&as=url`, and put `as=srcset` and `as=metadata` last.
 */

/// <reference path="./client-texts.d.ts" />

/** What the framework's own types say of an image. */
type ImportedImage = typeof import('image.png')['default']

declare module '*?upscale' {
  const value: ImportedImage
  export default value
}

declare module '*&upscale' {
  const value: ImportedImage
  export default value
}

declare module '*upscale=1.5' {
  const value: ImportedImage
  export default value
}

declare module '*upscale=2' {
  const value: ImportedImage
  export default value
}

declare module '*upscale=3' {
  const value: ImportedImage
  export default value
}

declare module '*upscale=4' {
  const value: ImportedImage
  export default value
}

declare module '*as=url' {
  const value: ImportedImage
  export default value
}

declare module '*upscale=1.5&url' {
  const value: string
  export default value
}

declare module '*upscale=2&url' {
  const value: string
  export default value
}

declare module '*upscale=3&url' {
  const value: string
  export default value
}

declare module '*upscale=4&url' {
  const value: string
  export default value
}
