import { expect, test } from 'vitest'
import { elementsOf } from '../references/elements.ts'
import { renderPage, renderState } from './page.ts'
import type { ShownPicture } from './picture.ts'

const HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&amp;</textarea><!--'

const PICTURE: ShownPicture = {
  id: '0123456789abcdef',
  name: HOSTILE,
  state: 'missing',
  factor: 2,
  engine: HOSTILE,
  model: HOSTILE,
  chosen: HOSTILE,
  billing: 'paid',
  settings: [HOSTILE],
  places: [{ name: HOSTILE, line: 1, file: `/site/${HOSTILE}` }],
  original: { file: `/site/${HOSTILE}`, width: 2, height: 1, format: 'png', size: 90, digest: '' },
  paidMicros: 0,
  priceMicros: 60_000,
  message: HOSTILE,
  action: { kind: 'paid', priceMicros: 60_000, confirm: true },
  views: { before: HOSTILE, after: HOSTILE, width: 2, height: 1, note: HOSTILE },
}

const LIVE = { base: './', editor: '../__open-in-editor', token: 'f'.repeat(48), budgetMicros: 1_000_000 }
const OPTIONS = { project: HOSTILE, paidMicros: 0, about: HOSTILE, live: LIVE }

test('no text of a project can become markup', () => {
  const page = renderPage([PICTURE], OPTIONS)
  const elements = [...elementsOf(page)]
  expect(elements.filter(({ name }) => name === 'script')).toHaveLength(1)
  const images = elements.filter(({ name }) => name === 'img')
  expect(images.map(({ attributes }) => attributes.find(({ name }) => name === 'src')?.value)).toEqual([
    HOSTILE,
    HOSTILE,
  ])
  const handlers = elements.flatMap(({ attributes }) =>
    attributes.filter(({ name }) => name.startsWith('on')),
  )
  expect(handlers).toEqual([])
  const heading = elements.find(({ attributes }) =>
    attributes.some(({ name, value }) => name === 'id' && value === `name-${PICTURE.id}`),
  )
  expect(heading?.name).toBe('h2')
})

test('a page without a server has no button and no link that needs one', () => {
  const { live: _, ...report } = OPTIONS
  const names = [...elementsOf(renderPage([{ ...PICTURE, action: { kind: 'none', why: 'x' } }], report))].map(
    ({ name }) => name,
  )
  expect(names).not.toContain('dialog')
  expect(names.filter(name => name === 'a')).toHaveLength(1)
  expect(renderPage([PICTURE], report)).not.toContain('/site/')
})

test('a card has another version only when it says something else', () => {
  const versions = [PICTURE, { ...PICTURE }, { ...PICTURE, state: 'working' as const }].map(
    picture => renderState([picture], OPTIONS).cards[0]?.version,
  )
  expect(versions[1]).toBe(versions[0])
  expect(versions[2]).not.toBe(versions[0])
})
