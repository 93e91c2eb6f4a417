import { hash } from 'node:crypto'
import { basename, dirname, extname } from 'node:path'
import { isFile } from './is-file.ts'

/**
 * The path by which a bundler knows a picture: beside its source, as `src/img/hero-2x.png`. No file is there; but what a
 * project says about paths (names of outputs and chunks, folders that are kept, limits) then treats the picture as its
 * source. It depends on names only. Where that name is taken, or two requests would have the same one (another engine,
 * another format), a part of a digest tells them apart.
 *
 * @param source absolute path of the source
 * @param name file name of the picture
 * @param query the request, as `queryOf` gives it
 * @param isTaken whether a file has a path
 * @returns absolute, with forward slashes, as bundlers write ids
 */
export function pathBeside(
  source: string,
  name: string,
  query: string,
  isTaken: (path: string) => boolean = isFile,
): string {
  const extension = extname(source)
  const plain = `${dirname(source)}/${name}`
  const factor = /^upscale=([\d.]+)$/.exec(query)?.[1]
  const isPlain = name === `${basename(source, extension)}-${factor}x${extension}` && !isTaken(plain)
  return (isPlain ? plain : withDigest(plain, `${basename(source)}?${query}`)).replaceAll('\\', '/')
}

function withDigest(path: string, text: string): string {
  const extension = extname(path)
  return `${path.slice(0, -extension.length)}-${hash('sha256', text, 'hex').slice(0, 6)}${extension}`
}
