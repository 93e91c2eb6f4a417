import { fileURLToPath } from 'node:url'

/*
 * The loaders lie beside the built code. `new URL()` is what every way of loading a config understands: Next.js compiles
 * `next.config.ts` and what it imports to CommonJS, where `import.meta.resolve` does not exist.
 */

/** The loader of webpack and Rspack, absolute. */
export const WEBPACK_LOADER: string = fileURLToPath(new URL('./webpack-loader.mjs', import.meta.url))

/** The loader of Turbopack, absolute. */
export const TURBOPACK_LOADER: string = fileURLToPath(new URL('./turbopack-loader.mjs', import.meta.url))
