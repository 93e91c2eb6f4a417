import { READERS } from './readers.mjs'
import { TEXTS } from './texts.mjs'

/** A reader's name begins with the kind of its texts. */
const kindOf = reader => reader.split(' ', 1)[0]

export function namesOfRows() {
  return Object.keys(READERS).flatMap(reader =>
    Object.keys(TEXTS[kindOf(reader)]).map(text => `${reader}, ${text}`),
  )
}

/** The reader and the texts of a row. */
export function rowOf(name) {
  const [reader, text] = name.split(', ', 2)
  const textOf = TEXTS[kindOf(reader)][text]
  const misspelled = length => textOf(length).replaceAll('upscale', 'upscal')
  return { read: READERS[reader], textOf: reader.endsWith(' slipsIn') ? misspelled : textOf }
}
