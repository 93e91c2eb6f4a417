import type { Report } from 'upscale-core'

type Row = Report['images'][number]

/** What one upscaler of a project told of its pictures, beside what others tell that are open at the same time. */
export interface Told {
  /** Remembers what was told. */
  add(images: readonly Row[]): void
  /** True for a picture from the cache of which another one told. */
  isElsewhere(image: Row): boolean
  end(): void
}

/** Of all open upscalers, by project. Some hosts build one for browsers and one for the server, each by a compiler of its own. */
const open = new Map<string, Set<ReadonlySet<string>>>()

/** @param root the project's folder, absolute */
export function openTold(root: string): Told {
  const own = new Set<string>()
  const all = open.get(root) ?? new Set()
  open.set(root, all.add(own))
  return {
    add(images) {
      for (const image of images) own.add(nameOf(image))
    },
    isElsewhere: image =>
      image.origin === 'cache' && [...all].some(other => other !== own && other.has(nameOf(image))),
    end() {
      all.delete(own)
      if (all.size === 0 && open.get(root) === all) open.delete(root)
    },
  }
}

function nameOf({ source, factor, engine, format, bytes }: Row): string {
  return `${source}\n${factor} ${engine} ${format} ${bytes}`
}
