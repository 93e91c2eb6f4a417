/**
 * Decodes base64 in the forms in which services send it: with or without padding, in the alphabet of addresses, with line
 * breaks, behind `data:image/png;base64,`. Node's own decoder skips what it doesn't know and stops where it likes; here
 * every character and the length must be right. Whether it was cut short after a whole byte, only the picture tells.
 *
 * @returns undefined for what is no base64
 */
export function readBase64(text: string): Buffer | undefined {
  const base64 = text.replace(/^\s*data:[^,]{0,200};base64,/i, '').replace(/\s+/g, '')
  const isWhole = base64.endsWith('=') ? base64.length % 4 === 0 : base64.length % 4 !== 1
  return isWhole && /^[A-Za-z0-9+/_-]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined
}
