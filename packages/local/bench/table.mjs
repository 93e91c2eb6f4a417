/** Means by method and column; a value may be a list of numbers. */
export function createTable(rows, columns) {
  const cells = new Map()
  const mean = (row, column) => {
    const list = cells.get(`${row}|${column}`)
    return list?.[0].map((_, k) => list.reduce((sum, one) => sum + one[k], 0) / list.length)
  }
  return {
    add(row, column, value) {
      const key = `${row}|${column}`
      cells.set(key, [...(cells.get(key) ?? []), [value].flat()])
    },
    mean,
    print(format) {
      console.log(`| method | ${columns.join(' | ')} |\n| --- |${columns.map(() => ' --- |').join('')}`)
      for (const row of rows) {
        const texts = columns.map(column => {
          const values = mean(row, column)
          return values === undefined ? '–' : format(values.length === 1 ? values[0] : values)
        })
        console.log(`| ${row} | ${texts.join(' | ')} |`)
      }
    },
  }
}
