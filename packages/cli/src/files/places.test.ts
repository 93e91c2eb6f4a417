import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createPlaces } from './places.ts'

const FOLDER = resolve('/out')

test('a file belongs to the first who asks for it, however many there are and whatever they are called', () => {
  const places = createPlaces()
  const names = Array.from({ length: 3000 }, (_, at) => `${at % 7}/${at} "名\n\ud800${at % 3}".png`)
  names.push('line\nbreak.png', 'line.png', 'break.png', '\ud800.png', '\ud801.png')
  // Most are made of one of the same name.
  const ownerOf = (name: string): string => resolve('/pictures', name.replace('6/', '6/of-'))
  const ask = (name: string, owner: string): string => places.take(join(FOLDER, name), owner)
  const another = resolve('/another.png')
  expect(names.filter(name => ask(name, ownerOf(name)) !== ownerOf(name))).toEqual([])
  expect(names.filter(name => ask(name, another) !== ownerOf(name))).toEqual([])
})
