import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { API_CODES } from './api-error.ts'
import { LIMIT_RANGES } from './options.ts'
import { ENGINE_PARAMETERS, type Kind, type Parameter, SERVER_PARAMETERS } from './parameters.ts'

/** The rows of the README's tables, by the names in backquotes in their first two cells. */
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const rows = readme
  .split('\n')
  .filter(line => line.startsWith('|'))
  .map(line => line.replace(/ +/g, ' '))
const rowOf = (name: string): string =>
  rows.find(row => row.split('|', 3).join().includes(`\`${name}\``)) ?? ''

function words(kind: Kind): string[] {
  switch (kind.type) {
    case 'integer':
      return [`${kind.min} to ${kind.max}`]
    case 'factor':
      return [`above ${kind.above}, ${kind.max} at most`]
    case 'boolean':
      return ['`true`, `false`']
    case 'text':
      return [`1 to ${kind.max} characters`]
    case 'choice':
      return kind.values.map(value => `\`${value}\``)
  }
}

test.each(Object.entries<Parameter>({ ...SERVER_PARAMETERS, ...ENGINE_PARAMETERS }))(
  'the README has the field %s as it is',
  (name, { kind, default: standard }) => {
    for (const word of words(kind)) expect(rowOf(name)).toContain(word)
    if (standard !== undefined) expect(rowOf(name)).toMatch(new RegExp(`default \`?${standard}`))
  },
)

test.each(Object.entries(LIMIT_RANGES))('the README has the option %s as it is', (name, [, , standard]) => {
  expect(rowOf(name)).toContain(`| ${standard} |`)
})

test.each(Object.entries(API_CODES))('the README has the code %s as it is', (code, { status }) => {
  expect(rowOf(code)).toContain(String(status))
})
