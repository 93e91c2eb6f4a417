/**
 * Does to a file what a block of a page says: lines with a plus are added behind the line before them, lines with a minus
 * are taken out, and the others say where. Lines are compared without the space around them, and `…` stands for anything.
 *
 * @throws where a line that the page shows is not in the file, or not in this order
 */
export function applyEdit(text: string, edit: string): string {
  const lines = text.split('\n')
  let at = 0
  for (const line of edit.split('\n')) {
    const [sign, shown] = [line.slice(0, 1), line.slice(1)]
    if (sign === '+') {
      lines.splice(at++, 0, shown)
      continue
    }
    if (shown.trim() === '') continue
    const found = lines.findIndex((one, index) => index >= at && isShown(one.trim(), shown.trim()))
    if (found < 0) throw new Error(`no line ${JSON.stringify(shown.trim())} in\n${text}`)
    if (sign === '-') lines.splice(found, 1)
    at = sign === '-' ? found : found + 1
  }
  return lines.join('\n')
}

function isShown(line: string, shown: string): boolean {
  const [start = '', end] = shown.split('…')
  return end === undefined ? line === shown : line.startsWith(start) && line.endsWith(end)
}
