import { UpscaleError } from 'upscale-core'

/** Ten times the elements of the largest pages that people write; a million take a gigabyte of memory. */
const MOST_ELEMENTS = 1_000_000
/** Looks at an element, for each character of a page and of its style sheets: about a second for a million characters. */
const MOST_STEPS = 30
/** So many looks any page may take. */
const FREE_STEPS = 50_000_000

/**
 * Counts what a page takes, so that none takes a time or a memory that is out of proportion: sheets may compare each of its
 * elements with all that stand before it, by thousands of selectors.
 */
export interface PageLimits {
  /** @throws UpscaleError SOURCE_TOO_LARGE */
  countElement(): void
  /** @throws UpscaleError SOURCE_TOO_LARGE */
  countSteps(count: number): void
  /** More text that belongs to the page. */
  addCharacters(count: number): void
}

export function createLimits(file: string): PageLimits {
  let elements = 0
  let steps = 0
  let most = FREE_STEPS
  const refuse = (reason: string): UpscaleError =>
    new UpscaleError('SOURCE_TOO_LARGE', `this page ${reason}`, {
      hint: 'split the page, or tag its images by hand and build without rules',
      file,
    })
  return {
    countElement() {
      if (++elements > MOST_ELEMENTS)
        throw refuse(`has more than ${MOST_ELEMENTS} elements, so no rule is applied to it`)
    },
    countSteps(count) {
      steps += count
      if (steps > most)
        throw refuse(`has selectors that take more than ${most} looks at its elements, too many to judge`)
    },
    addCharacters(count) {
      most += count * MOST_STEPS
    },
  }
}
