/* What `as` gives, the same with every tool. Part of client.d.ts and client-image.d.ts. */

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

declare module '*as=srcset' {
  const value: string
  export default value
}

declare module '*as=metadata' {
  const value: UpscaledImageMetadata
  export default value
}
