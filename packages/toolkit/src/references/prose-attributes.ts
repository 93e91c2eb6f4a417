/** Attributes whose value is prose, a name or code. */
const PROSE = /^(?:alt|title|placeholder|label|value|summary|aria-.*|on.*|id|class|name|property|rel|type)$/

/** True for an attribute whose value is prose, a name or code, even where it looks like an address. */
export function isProseAttribute(name: string): boolean {
  return PROSE.test(name)
}
