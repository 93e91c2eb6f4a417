import type { PixelImage } from '../image/pixel-image.ts'

/** What an engine's own directive keys may carry (`detail`, `prompt`, …), already checked by {@link EngineFacts.checkParams}. */
export type EngineParams = Readonly<Record<string, string | number | boolean>>

export interface EngineContext {
  /** Aborts when the build stops. An engine lets go within a second. */
  readonly signal: AbortSignal
  /** Environment variables the host handed in; the only place an engine takes a key from besides its own options. */
  readonly env: Readonly<Record<string, string | undefined>>
}

interface EngineFacts {
  /** Names the kind of engine in keys, reports and messages: `local`, `resize`, `lumenfall`. */
  readonly id: string
  readonly model: string
  /** Part of the cache key: changes whenever the same request would give other pixels. */
  readonly revision: string
  /** A paid engine's answers are kept in the durable cache and its calls are held against the budget. */
  readonly billing: 'free' | 'paid'
  /** What one call is expected to cost, or a megapixel of its result, in millionths of a US dollar. 0 for a free engine. */
  readonly priceMicros: number
  /** What `priceMicros` is paid for. @default 'picture' */
  readonly pricedBy?: 'picture' | 'megapixel' | undefined
  /**
   * The factor at which the engine runs when the user wants `factor` (> 1): equal or larger, the difference is
   * resampled away afterwards. Undefined when it can't reach that far.
   */
  scaleFor(factor: number): number | undefined
  /**
   * The engine's defaults merged with the directive's own keys, checked.
   * @throws UpscaleError BAD_DIRECTIVE for an unknown name or a value out of range
   */
  checkParams(params: Readonly<Record<string, string>>): EngineParams
  /**
   * True when an answer is made sooner than it is fetched or read. Then only the finished file is kept, on this machine:
   * the same request must always give the same answer. @default false
   */
  readonly quick?: boolean
  /** Frees workers and sockets. The engine must be usable again afterwards. */
  close?(): Promise<void>
}

/** An engine that works on samples in this process. Alpha comes as a second call with a grey image. */
export interface PixelEngine extends EngineFacts {
  readonly exchange: 'pixels'
  readonly billing: 'free'
  /** Returns an image of exactly `scale` times the width and height, with the same channels. */
  upscale(request: PixelRequest, context: EngineContext): Promise<PixelAnswer>
}

/** The larger picture. */
export interface PixelAnswer extends PixelImage {
  /**
   * What the engine chose for this picture, where its model leaves a choice: shown in reports. Must follow from the
   * request alone. 1 to 60 letters, digits, spaces, hyphens and full stops; anything else is left out.
   */
  readonly chosen?: string | undefined
}

export interface PixelRequest {
  readonly image: PixelImage
  readonly scale: number
  readonly params: EngineParams
}

/** An engine that takes an encoded file and returns one, as services do. It is handed opaque pictures only. */
export interface FileEngine extends EngineFacts {
  readonly exchange: 'file'
  /**
   * What can be done about a call that nobody saw the end of: ask for the `job` it began, repeat it under the same
   * `idempotency-key` without being charged again, or `none`, and a person has to decide.
   */
  readonly recovery: 'job' | 'idempotency-key' | 'none'
  upscale(request: FileRequest, context: EngineContext): Promise<FileAnswer>
  /**
   * Finds out whether a call could be made at all. Called before anything is written down about one.
   * @throws UpscaleError KEY_MISSING, BAD_OPTION; SOURCE_TOO_LARGE for a size that the service would refuse
   */
  checkAccess?(context: EngineContext, order: OrderSize): void
  /**
   * What such a call would be charged by the service's own word, in millionths of a US dollar; undefined where it names
   * no price. Asked before the first call of a kind, and not needed for any.
   * @throws UpscaleError where the service could not be asked
   */
  readonly quote?:
    | ((
        request: OrderSize & Pick<FileRequest, 'params'>,
        context: EngineContext,
      ) => Promise<number | undefined>)
    | undefined
}

/** The first part of a response. */
export interface ResponseHead {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Values that must not get onto a disk, should the service echo them. */
  readonly secrets: readonly string[]
}

/** A response to an order, as it came. */
export interface ServiceResponse extends Omit<ResponseHead, 'secrets'> {
  readonly body: Buffer
}

/** The size of a picture, in pixels, and how much larger it is ordered. */
export type OrderSize = Pick<FileRequest, 'width' | 'height' | 'scale'>

export interface FileRequest {
  /** An 8-bit sRGB PNG without alpha, orientation already applied, metadata removed. */
  readonly png: Uint8Array
  /** A file name of `[A-Za-z0-9._-]`, ending in `.png`. */
  readonly name: string
  readonly width: number
  readonly height: number
  readonly scale: number
  readonly params: EngineParams
  /** The same for every repetition of this call, in this process and later ones; 1 to 200 characters. */
  readonly idempotencyKey: string
  /** A job that an earlier call began: it is to be asked for, not ordered again. */
  readonly job?: string
  /**
   * What came of the response to an earlier order for this picture, whose process died: it is to be read, and nothing
   * ordered. It may be cut off anywhere. Only an engine that calls {@link onResponse} is ever given one.
   */
  readonly response?: ServiceResponse
  /**
   * To be called as soon as a response to the order begins that may hold a picture, or name the job that makes it;
   * what it returns is called with each piece of the body, as it comes. All of that is on disk when these return.
   */
  onResponse?(head: ResponseHead): (piece: Uint8Array) => void
  /** To be called, and awaited, as soon as the service named the job it began; what was told is synced to disk. */
  onJob(job: string): Promise<void>
}

/** What came back, not looked at yet. */
export interface FileAnswer {
  readonly bytes: Uint8Array
  /** What the service says it charged, in millionths of a US dollar; absent when it did not say. */
  readonly costMicros?: number
  readonly requestId?: string
}

export type Engine = PixelEngine | FileEngine
