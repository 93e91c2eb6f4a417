import { looksLikePicture } from '../../source/sniff.ts'

// Some services charge for what they refuse, or send what they made under a status of a refusal: a limit that was passed
// while the work was done, a proxy that writes its own number over an answer. What came is an answer then, whatever the
// number says: it was made, and nobody makes it for nothing.

const BASE64 = '"b64_json"'

/** Where a list of results begins, if not behind a picture. */
const HEAD_BYTES = 64 * 1024
const RESULTS = /"data"\s*:\s*\[\s*\{/

/** True for a body that may hold a picture, or name one. */
export function mayHoldAnswer(body: Buffer): boolean {
  return (
    looksLikePicture(body) || body.includes(BASE64) || RESULTS.test(body.toString('latin1', 0, HEAD_BYTES))
  )
}
