/** Picture formats that can be read, upscaled and written. */
export const FORMATS = ['png', 'jpeg', 'webp', 'avif', 'gif'] as const

export type Format = (typeof FORMATS)[number]

export function isFormat(value: unknown): value is Format {
  return FORMATS.some(format => format === value)
}

/**
 * The extensions, without a dot, of the files of a format, as browsers and operating systems know them. The first is the
 * one that a written file gets.
 */
export const EXTENSIONS: Readonly<Record<Format, readonly [string, ...string[]]>> = {
  png: ['png', 'apng'],
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif', 'pjpeg', 'pjp'],
  webp: ['webp'],
  avif: ['avif'],
  gif: ['gif'],
}

/** Every extension of a file that can be read, without a dot. */
export const RASTER_EXTENSIONS: readonly string[] = FORMATS.flatMap(format => EXTENSIONS[format])

/** The extension that a written file of a format gets, without a dot. */
export function extensionOf(format: Format): string {
  return EXTENSIONS[format][0]
}

/** True for a name, or a path, that ends like a file that can be read. */
export function isRasterName(name: string): boolean {
  return FORMATS.some(format => endsAs(name, format))
}

/** True for a name, or a path, that ends like a file of a format. */
export function endsAs(name: string, format: Format): boolean {
  return EXTENSIONS[format].some(extension => name.toLowerCase().endsWith(`.${extension}`))
}
