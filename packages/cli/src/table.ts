import { stripVTControlCharacters } from 'node:util'
import { escapeLines } from 'upscale-core/internal'

/** Rows of cells as text in columns. The header is a row like the others; cells may hold colours. */
export function printTable(table: readonly (readonly string[])[]): string {
  const rows = table.map(row => row.map(cell => escapeLines(cell.replaceAll('\n', '\\n'), true)))
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))
    })
  }
  return rows
    .map(row =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `1536` → `1.5 kB`: bytes for a person. */
export function printBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** `3 pictures`, `1 picture`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)))
}

function widthOf(cell: string): number {
  return [...stripVTControlCharacters(cell)].length
}
