/** A source file that is looked at. */
export interface SourceText {
  /** Absolute. */
  readonly file: string
  readonly text: string
}

/** A place that enlarges a picture in another way. */
export interface Finding {
  /** Offsets of what {@link Finding.replacement} stands for, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** What stands there instead; undefined where a person has to decide. */
  readonly replacement?: string
  /** What the replacement needs elsewhere in the source; several findings may need the same. */
  readonly insertion?: Insertion
  /** For people: what it is, and what happens or why nothing does. */
  readonly why: string
}

/** Text that is put into a source. */
export interface Insertion {
  /** Offset in UTF-16 units. */
  readonly at: number
  readonly text: string
}

/** What rules may ask about a project. */
export interface Project {
  /** The picture that an address in a source means, absolute; undefined for none. */
  find(address: string, source: SourceText): string | undefined
  /** Pixels, as shown; undefined for a file that can't be enlarged: no picture, or an animation. */
  sizeOf(file: string): Promise<{ readonly width: number; readonly height: number } | undefined>
  /** True when the package.json nearest to a source names a package. */
  dependsOn(name: string, source: SourceText): boolean
  /** The folder of that package.json, absolute; undefined for none. */
  packageOf(source: SourceText): string | undefined
}

/** One way of enlarging pictures that projects have. */
export type Rule = (source: SourceText, project: Project) => AsyncGenerator<Finding>

/** The largest factor of a directive. */
const LARGEST_FACTOR = 8

/** The whole factor that makes `from` pixels at least `to`; undefined where there is none. */
export function factorFor(from: number, to: number): number | undefined {
  const factor = Math.ceil(to / from)
  return factor >= 2 && factor <= LARGEST_FACTOR ? factor : undefined
}

/** True for a file whose addresses are attributes or `url()`, where one from the root of the site can be tagged. */
export function isPageOrStyle({ file }: SourceText): boolean {
  return /\.(?:x?html?|css|scss|sass|less|styl)$/i.test(file)
}
