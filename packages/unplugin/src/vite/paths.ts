import { dirname, relative } from 'node:path'

/** The path from one file to another as JavaScript would import it. */
export function relativePath(from: string, to: string): string {
  const path = relative(dirname(from), to).replaceAll('\\', '/')
  return path.startsWith('.') ? path : `./${path}`
}

/** The same for a style sheet or a page: percent-encoded, and free of quotes and brackets, so it needs no quoting. */
export function relativeUrl(from: string, to: string): string {
  const encode = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURI(relativePath(from, to)).replace(/['()]/g, encode)
}

/** A path as a file name: `my%20photo.png` is `my photo.png`. What isn't valid percent-encoding stays as it is. */
export function decodePath(path: string): string {
  try {
    return decodeURI(path)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    return path
  }
}

/** The id of a module that is a file with what its address had after it: Vite knows the end of a path by a question mark only. */
export function moduleId(file: string, rest: string): string {
  return rest.startsWith('#') ? `${file}?${rest}` : file + rest
}
