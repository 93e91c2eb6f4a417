/** `60000` → `US$0.06`: millionths of a US dollar for a person, two digits at least. */
export function dollars(micros: number): string {
  const text = (micros / 1e6).toFixed(6).replace(/0+$/, '')
  const [whole = '0', cents = ''] = text.split('.')
  return `US$${whole}.${cents.padEnd(2, '0')}`
}
