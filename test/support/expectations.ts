import { expect } from 'vitest'
import { type Colour, SIZE, swatchOf } from './pictures.ts'
import type { SeenPage } from './read-page.ts'

/** How a picture is referred to: the form's name in the fixture, the picture, and the factor of each address. */
export type Form = readonly [form: string, picture: string, ...factors: number[]]

/** Lossy formats move a flat colour by a few steps. */
const TOLERANCE = 6

/** Every form of a page must show its own picture in the size asked for. */
export function expectPage(page: SeenPage, forms: readonly Form[]): void {
  const problems = forms.flatMap(form => problemsOf(page, form))
  expect(problems).toEqual([])
  expect(Object.keys(page).sort()).toEqual(forms.map(([form]) => form).sort())
}

function problemsOf(page: SeenPage, [form, picture, ...factors]: Form): string[] {
  const seen = page[form] ?? []
  const wanted = swatchOf(picture)
  if (seen.length !== factors.length) return [`${form}: ${seen.length} addresses, expected ${factors.length}`]
  return factors.flatMap((factor, index) => {
    const one = seen[index]
    if (one === undefined) return []
    const size = `${one.width}x${one.height}`
    const right = `${Math.round(SIZE.width * factor)}x${Math.round(SIZE.height * factor)}`
    if (size !== right) return [`${form}: ${size}, expected ${right} (${one.url.slice(0, 120)})`]
    const isSame = isNear(one.left, wanted.left) && isNear(one.right, wanted.right)
    return isSame
      ? []
      : [`${form}: colours ${one.left} | ${one.right}, expected ${wanted.left} | ${wanted.right}`]
  })
}

function isNear(a: Colour, b: Colour): boolean {
  return a.every((value, index) => Math.abs(value - (b[index] ?? 0)) <= TOLERANCE)
}
