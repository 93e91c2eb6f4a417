import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { UpscaleError } from 'upscale-core'
import { isInside } from 'upscale-core/internal'
import { decodedPath, pathOf } from './address.ts'

/** How addresses of a built site lead to its files. */
export interface Site {
  /** The folder, absolute. */
  readonly folder: string
  /**
   * The file that an address names; undefined for one that leads to another server, or is none.
   *
   * @param page the file that has it
   * @param base what relative addresses in it start from, as written in `<base href>`
   */
  fileOf(address: string, page: string, base: string | undefined): string | undefined
  /** An address of a file in the way another address was written: relative, from the root, or whole. */
  addressLike(written: string, file: string, page: string, base: string | undefined): string
}

/** Stands for the site's own server, whose name a page doesn't tell. `.invalid` exists nowhere (RFC 2606). */
const OWN = 'http://site.invalid'

/**
 * @param folder absolute
 * @param base where the site is served: `/`, `/sub/`, or with its server as in `https://example.com/sub/`
 * @throws UpscaleError BAD_OPTION for a base that is none
 */
export function createSite(folder: string, base = '/'): Site {
  const root = readBase(base)
  // Whether a page is asked for with or without TLS doesn't make it another one.
  const hosts = new Set([new URL(OWN).host, root.host])

  function pageAddress(page: string): URL {
    const path = relative(folder, page).split(sep).map(encodeURIComponent).join('/')
    return new URL(path, new URL(root.pathname, OWN))
  }

  function startOf(page: string, written: string | undefined): URL {
    const address = pageAddress(page)
    return written !== undefined && URL.canParse(written, address.href) ? new URL(written, address) : address
  }

  return {
    folder,
    fileOf(address, page, written) {
      const start = startOf(page, written)
      if (!URL.canParse(encodeStray(address), start.href)) return undefined
      const { host, pathname } = new URL(encodeStray(address), start)
      if (!hosts.has(host)) return undefined
      // An address beside the base can't be a file of the site; the root of the folder is the best guess.
      const inside = pathname.startsWith(root.pathname)
        ? pathname.slice(root.pathname.length)
        : pathname.slice(1)
      // The inner join removes every ".." that would lead out of the folder, percent-encoded ones included.
      return join(folder, join('/', decodedPath(inside)))
    },
    addressLike(written, file, page, base) {
      const path = relative(folder, file).split(sep).map(encodeURIComponent).join('/')
      if (/^[a-z][a-z\d+.-]*:/i.test(written)) return new URL(written).origin + root.pathname + path
      if (written.startsWith('//')) return `//${new URL(written, OWN).host}${root.pathname}${path}`
      if (written.startsWith('/')) return root.pathname + path
      const start = startOf(page, base)
      if (start.origin !== OWN) return start.origin + root.pathname + path
      return posix.relative(dirname(`${start.pathname}.`), root.pathname + path)
    },
  }
}

/** An address beside another one: the same text with another file name at the end of its path. */
export function withFileName(address: string, fileName: string): string {
  const path = pathOf(address)
  return path.slice(0, path.lastIndexOf('/') + 1) + fileName
}

/** True for a file in the site's folder, or below it. */
export function isInSite(file: string, { folder }: Site): boolean {
  const path = resolve(file)
  return path !== resolve(folder) && isInside(path, folder)
}

function readBase(base: string): URL {
  const isPath = base.startsWith('/') && !base.startsWith('//')
  const url = URL.canParse(base, OWN) ? new URL(base, OWN) : undefined
  if (url === undefined || !(isPath || /^https?:\/\//i.test(base))) {
    throw new UpscaleError(
      'BAD_OPTION',
      `the base is ${JSON.stringify(base)}, expected a path or an address`,
      {
        hint: 'write it like --base /sub/ or --base https://example.com/sub/',
      },
    )
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/** A percent sign that begins no code stands for itself, as in `100%.png`. */
function encodeStray(address: string): string {
  return address.replace(/%(?![\da-f]{2})/gi, '%25')
}
