/** HTML that was put together here, as opposed to text that still has to be escaped. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Piece = Markup | string | number | undefined | false | readonly Piece[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * HTML with values in it. Every value is escaped, for text and quoted attributes alike, unless it is {@link Markup}; so
 * that no name of a file and no message can become markup.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  const parts = strings.map((text, index) => text + (index < values.length ? print(values[index]) : ''))
  return new Markup(parts.join(''))
}

function print(piece: Piece): string {
  if (piece === undefined || piece === false) return ''
  if (piece instanceof Markup) return piece.text
  if (typeof piece === 'object') return piece.map(print).join('')
  return String(piece).replace(/[&<>"']/g, mark => ENTITIES[mark] ?? '')
}

/** Bytes for a person: `41.2 kB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB']
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
}
