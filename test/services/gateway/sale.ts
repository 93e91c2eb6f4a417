import type { RecordedRequest } from './order.ts'

/** An order in good form, in the hands of whoever answers it. */
export interface Sale {
  readonly request: RecordedRequest
  readonly image: Buffer
  readonly scale: number
  /** Where this gateway listens, without a path. */
  readonly origin: string
  /** Charges the price of one picture. */
  charge(): void
  /** Charges, and makes the documented body for a picture, as base64 or as an address, as it was ordered. */
  sell(picture: Buffer): Promise<object>
}

/** What goes over the wire, and how it fails on the way. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** How the end of the body is told. @default 'length' */
  readonly framing?: 'length' | 'chunked' | 'close'
  /** Resets the connection after this many bytes of the body; with 0 before the status line. */
  readonly cutAfterBytes?: number
  /** Never answers. */
  readonly hang?: boolean
  /** Sends a byte at a time, this many milliseconds apart. */
  readonly dripMs?: number
}
