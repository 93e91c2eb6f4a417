import { looksLikePicture } from '../../source/sniff.ts'

// Some services charge for what they refuse, or send what they made under a status of a refusal: a limit that was passed
// while the work was done, a proxy that writes its own number over an answer. What came is an answer then, whatever the
// number says: it was made, and nobody makes it for nothing. So is the name of a job: that was begun.
//
// All engines go by this where they read the response to an order, and where they read the end of a job. A download of a
// result is another matter: what comes under a refusal there is the picture that a web server shows in its place.

const BASE64 = '"b64_json"'

/** Where a list of results begins, if not behind a picture. */
const HEAD_BYTES = 64 * 1024
const RESULTS = /"data"\s*:\s*\[\s*\{/

/** What only a service that has begun a job says: Ideogram its name, fal where it is asked for. */
const JOB = /"(?:generation_id|status_url|response_url)"\s*:\s*"/

/** True for a body that may hold a picture, or name one, or the job that makes one. */
export function mayHoldAnswer(body: Buffer): boolean {
  if (looksLikePicture(body) || body.includes(BASE64)) return true
  const head = body.toString('latin1', 0, HEAD_BYTES)
  return RESULTS.test(head) || JOB.test(head)
}

/** True for a refusal of which more was to come, and what came of it may be an answer. */
export function isCutAnswer(response: { readonly body: Buffer; readonly isCut?: boolean }): boolean {
  const { isCut, body } = response
  return isCut === true && mayHoldAnswer(body)
}
