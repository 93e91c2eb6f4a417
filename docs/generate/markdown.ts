/** A page of these blocks. */
export function page(title: string, blocks: readonly string[]): string {
  return `${['---\neditLink: false\n---', `# ${title}`, ...blocks].join('\n\n')}\n`
}

/** A table; cells are Markdown in one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
