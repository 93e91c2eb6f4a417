/*
 * Types of tagged imports, beside those of `vite/client`:
 *
 *     { "compilerOptions": { "types": ["vite/client", "unplugin-upscale/client"] } }
 *
 * TypeScript allows one `*` in a pattern, so a query can be typed by its end only. Factors that are listed here are
 * typed as they stand; for any other number end the query with `&as=url`, and put `as=srcset` and `as=metadata` last.
 * Or set the option `dts`, and the plugin declares the very imports that the project has.
 */

/// <reference path="./client-texts.d.ts" />

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
