/*
 * Types of tagged imports, beside those of `vite/client`:
 *
 *     { "compilerOptions": { "types": ["vite/client", "unplugin-upscale/client"] } }
 *
 * TypeScript allows one `*` in a pattern, so a query can be typed by its end only. Factors that are listed here are
 * typed as they stand; for any other number end the query with `&as=url`, and put `as=srcset` and `as=metadata` last.
 * Or set the option `dts`, and the plugin declares the very imports that the project has.
 */

/** What `?upscale=2&as=metadata` gives. */
interface UpscaledImageMetadata {
  /** Address of the upscaled picture. */
  readonly src: string
  /** Size of the upscaled picture, in pixels. */
  readonly width: number
  readonly height: number
  readonly format: 'png' | 'jpeg' | 'webp' | 'avif' | 'gif'
  /** The original and the upscaled picture, for an `srcset`. */
  readonly srcset: string
  /** How many times larger than the original, per side. */
  readonly factor: number
  /** Name of the engine that made it. */
  readonly engine: string
}

declare module '*?upscale' {
  const value: string
  export default value
}

declare module '*&upscale' {
  const value: string
  export default value
}

declare module '*upscale=1.5' {
  const value: string
  export default value
}

declare module '*upscale=2' {
  const value: string
  export default value
}

declare module '*upscale=3' {
  const value: string
  export default value
}

declare module '*upscale=4' {
  const value: string
  export default value
}

declare module '*upscale=1.5&url' {
  const value: string
  export default value
}

declare module '*upscale=1.5&inline' {
  const value: string
  export default value
}

declare module '*upscale=1.5&no-inline' {
  const value: string
  export default value
}

declare module '*upscale=2&url' {
  const value: string
  export default value
}

declare module '*upscale=2&inline' {
  const value: string
  export default value
}

declare module '*upscale=2&no-inline' {
  const value: string
  export default value
}

declare module '*upscale=3&url' {
  const value: string
  export default value
}

declare module '*upscale=3&inline' {
  const value: string
  export default value
}

declare module '*upscale=3&no-inline' {
  const value: string
  export default value
}

declare module '*upscale=4&url' {
  const value: string
  export default value
}

declare module '*upscale=4&inline' {
  const value: string
  export default value
}

declare module '*upscale=4&no-inline' {
  const value: string
  export default value
}

declare module '*as=url' {
  const value: string
  export default value
}

declare module '*as=srcset' {
  const value: string
  export default value
}

declare module '*as=metadata' {
  const value: UpscaledImageMetadata
  export default value
}
