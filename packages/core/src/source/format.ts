/** Picture formats that can be read, upscaled and written. */
export const FORMATS = ['png', 'jpeg', 'webp', 'avif', 'gif'] as const

export type Format = (typeof FORMATS)[number]

/** The file extension, without a dot, that a written file of a format gets. */
export const EXTENSION: Readonly<Record<Format, string>> = {
  png: 'png',
  jpeg: 'jpg',
  webp: 'webp',
  avif: 'avif',
  gif: 'gif',
}
