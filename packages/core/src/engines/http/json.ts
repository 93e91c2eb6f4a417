/** Some services begin with a byte order mark, which a browser leaves out (RFC 8259, 8.1). */
const MARK = /^\uFEFF/

/** Parses JSON; undefined where it is none. The parser's own message quotes the text, which may hold anything. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(MARK, ''))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The field of an object of unknown shape; undefined where there is no object or no such field of its own. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

/** Like {@link field}, for texts that are not empty. */
export function textField(value: unknown, name: string): string | undefined {
  const found = field(value, name)
  return typeof found === 'string' && found !== '' ? found : undefined
}
