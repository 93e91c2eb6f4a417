/** The largest of numbers, 0 at least. As arguments of one call, a hundred thousand would overflow the stack. */
export function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0)
}
