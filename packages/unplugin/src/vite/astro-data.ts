import { isList, isObject } from './shapes.ts'

/**
 * The data as Astro's serializer (devalue) flattens it: a list of values, in which objects and lists name their members by
 * place.
 */
export type Flat = readonly unknown[]

/**
 * The data of Astro's module, which is JSON in a text in newer versions, and a literal of JavaScript in older ones; undefined for
 * code of another form, in which the last look finds what is left.
 *
 * @param parse what makes an ESTree of code
 */
export function flatDataOf(code: string, parse: (code: string) => unknown): Flat | undefined {
  const [, written] = /^export default\s*(?:JSON\.parse\()?(.*?)\)?;?\s*$/s.exec(code) ?? []
  if (written === undefined) return undefined
  const literal = jsonOf(written) ?? literalIn(code, parse)
  const data = typeof literal === 'string' ? jsonOf(literal) : literal
  return Array.isArray(data) ? data : undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The literal that a module exports; undefined where it is not all JSON could say. */
function literalIn(code: string, parse: (code: string) => unknown): unknown {
  try {
    const program = parse(code)
    const body: unknown = isObject(program) ? program.body : undefined
    const [statement] = isList(body) ? body : []
    return isObject(statement) && statement.type === 'ExportDefaultDeclaration'
      ? literalOf(statement.declaration)
      : undefined
  } catch {
    return undefined
  }
}

/** @throws Error for what is no literal */
function literalOf(node: unknown): unknown {
  if (!isObject(node)) throw new Error('not a literal')
  if (node.type === 'ArrayExpression' && isList(node.elements)) return node.elements.map(literalOf)
  if (node.type === 'ObjectExpression' && isList(node.properties)) {
    return Object.fromEntries(node.properties.map(entryOf))
  }
  if (node.type === 'UnaryExpression' && node.operator === '-') return -Number(literalOf(node.argument))
  if (node.type === 'Literal' && (node.value === null || JSON_TYPES.has(typeof node.value))) return node.value
  throw new Error('not a literal')
}

const JSON_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'boolean'])

function entryOf(property: unknown): [string, unknown] {
  if (!isObject(property) || !isObject(property.key) || property.computed === true)
    throw new Error('no entry')
  const { key } = property
  return [String(key.type === 'Identifier' ? key.name : literalOf(key)), literalOf(property.value)]
}
