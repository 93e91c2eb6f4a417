import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'

// The two surfaces of this package, name by name. A change of the first is a change for users.

test.each(['index', 'internal', 'upkeep'])('what %s.ts exports', name => {
  expect(exportsOf(`${name}.ts`)).toMatchSnapshot()
})

/** The exported names in their order in the alphabet, types marked as such. */
function exportsOf(file: string): string[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8')
  const names: string[] = []
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined)
      throw new Error(`${file} should only export names of other files`)
    if (!ts.isNamedExports(statement.exportClause)) throw new Error(`${file} exports everything of a file`)
    for (const one of statement.exportClause.elements)
      names.push(`${statement.isTypeOnly || one.isTypeOnly ? 'type ' : ''}${one.name.text}`)
  }
  return names.sort()
}
