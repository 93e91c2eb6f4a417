import { hash } from 'node:crypto'
import type { ExaminedFile, ExaminedImage, UpscaleError, UpscaleRequest } from 'upscale-core'

/**
 * How far a picture is: the states of a plan, and
 *
 * - `looking`: not looked at yet.
 * - `working`: an engine works on it, or it waits for one.
 * - `wrong`: the reference or the source is wrong, so that nothing can be made of it.
 */
export type PictureState = ExaminedImage['state'] | 'looking' | 'working' | 'wrong'

/** Where a picture is asked for. */
export interface ShownPlace {
  /** The file, relative to the project, or the reference where the file is not known. */
  readonly name: string
  /** From 1. */
  readonly line?: number
  /** Absolute; not shown, but what an editor opens. */
  readonly file?: string
}

/** What can be done about a picture by pressing a button. */
export type PictureAction =
  | { readonly kind: 'free' }
  /** `confirm` is false where paid engines run without being asked for. Millionths of a US dollar. */
  | { readonly kind: 'paid'; readonly priceMicros: number; readonly confirm: boolean }
  | { readonly kind: 'none'; readonly why: string }

/** The addresses that a picture is shown under, and its size on the page, in pixels. */
export interface PictureViews {
  readonly before: string
  readonly after?: string
  readonly width: number
  readonly height: number
  /** What of the picture is shown, where that isn't all. */
  readonly note?: string
}

/** One picture as a page shows it. */
export interface ShownPicture {
  /** Stays the same as long as source and request do; of letters that may stand in an address. */
  readonly id: string
  /** The source relative to the project, or the reference where the source is not known. */
  readonly name: string
  readonly state: PictureState
  readonly factor?: number
  readonly engine?: string
  readonly model?: string
  /** What the engine chose within its model. */
  readonly chosen?: string
  readonly billing?: ExaminedImage['billing']
  /** Settings that are not the default, as `quality 80`. */
  readonly settings: readonly string[]
  readonly places: readonly ShownPlace[]
  readonly original?: ExaminedFile
  readonly finished?: ExaminedFile
  /** What was paid for it so far, in millionths of a US dollar. */
  readonly paidMicros: number
  /** What is still to be paid. */
  readonly priceMicros: number
  /** Why it is not made, for a person. */
  readonly message?: string
  readonly action?: PictureAction
  readonly views?: PictureViews
}

/** Names a picture by what is wanted of it. */
export function idOf(source: string, request: UpscaleRequest | undefined): string {
  // What happens after a failure makes no other picture of it.
  const { params = {}, onError: _, ...rest } = request ?? {}
  const parts = [...Object.entries(rest), ...Object.entries(params)].filter(
    ([, value]) => value !== undefined,
  )
  return hash('sha256', JSON.stringify([source, parts.sort()]), 'hex').slice(0, 16)
}

/** What a request asks for beyond factor and engine. */
export function settingsOf({ format, quality, params }: UpscaleRequest): string[] {
  return [
    ...(format === undefined ? [] : [format]),
    ...(quality === undefined ? [] : [`quality ${quality}`]),
    ...Object.entries(params).map(([name, value]) => `${name} ${value}`),
  ]
}

/** An error without its place, which stands beside it. */
export function messageOf({ code, problem, details }: UpscaleError): string {
  return `${problem} [${code}]: ${details.hint}`
}
