import type { IncomingHttpHeaders } from 'node:http'

/** One request, as it arrived. */
export interface RecordedRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Text parts of the form. */
  readonly fields: Readonly<Record<string, string>>
  /** The file part; absent where there was none. */
  readonly image?: RecordedFile
  readonly requestId: string
}

export interface RecordedFile {
  /** The part's name: `image`, or `image[]`. */
  readonly part: string
  readonly fileName: string
  /** The part's own `Content-Type`. */
  readonly type: string
  readonly bytes: Buffer
}

/** Takes a form apart with Node's own parser; undefined where the body is no form. */
export async function readForm(
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<Pick<RecordedRequest, 'fields' | 'image'> | undefined> {
  const type = headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return undefined
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
  const fields: Record<string, string> = {}
  let image: RecordedFile | undefined
  for (const [part, value] of form) {
    if (typeof value === 'string') fields[part] = value
    else
      image = { part, fileName: value.name, type: value.type, bytes: Buffer.from(await value.arrayBuffer()) }
  }
  return { fields, ...(image === undefined ? {} : { image }) }
}
