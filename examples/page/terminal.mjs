/** What the examples print about a build: a table for people, nothing else. */

/** @param {import('unplugin-upscale').Report} report */
export function printReport(report) {
  const rows = report.images.map(image => ({
    picture: image.source,
    engine: image.engine,
    from: image.origin,
    format: image.format,
    'before → after (px)': `${size(image.width / image.factor, image.height / image.factor)} → ${size(image.width, image.height)}`,
    'before → after (bytes)': `${image.sourceBytes.toLocaleString('en')} → ${image.bytes.toLocaleString('en')}`,
    cost: `$${(image.costMicros / 1e6).toFixed(2)}`,
  }))
  console.log(`\n${table(rows)}\n`)
  const made = report.images.filter(image => image.origin !== 'cache')
  console.log(
    `${made.length} made now, ${rows.length - made.length} from the cache, $${(report.spentMicros / 1e6).toFixed(2)} spent.`,
  )
  if (report.images.some(image => image.engine === 'resize')) {
    console.log('Note: the engine was "resize", which is plain resampling: larger, but with no new detail.')
  }
}

function size(width, height) {
  return `${Math.round(width)} × ${Math.round(height)}`
}

function table(rows) {
  if (rows.length === 0) return 'No picture was tagged.'
  const heads = Object.keys(rows[0])
  const lines = [heads, ...rows.map(row => Object.values(row))]
  const widths = heads.map((_, column) => Math.max(...lines.map(cells => cells[column].length)))
  // Numbers, which come after the words, stand on the right.
  const line = cells =>
    cells
      .map((text, column) => (column < 4 ? text.padEnd(widths[column]) : text.padStart(widths[column])))
      .join('  ')
  return [line(heads), widths.map(width => '─'.repeat(width)).join('  '), ...lines.slice(1).map(line)].join(
    '\n',
  )
}
