import { basename } from 'node:path'
import { type Format, UpscaleError, type UpscaleRequest } from 'upscale-core'
import { fileState } from '../file-state.ts'
import { type ProjectUpscaler, withPlace } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { queryOf } from '../reference.ts'
import type { VariantParts } from '../variants.ts'
import { createPlaceholders, type Placeholder } from './placeholder.ts'
import { createDevQueue } from './queue.ts'
import { isLeftOut } from './upscaler.ts'

/** A picture as a page can have it now. */
export type DevPicture<T> =
  | { readonly kind: 'finished'; readonly finished: T }
  | { readonly kind: 'placeholder'; readonly placeholder: Placeholder }

/** Pictures for pages that are not kept waiting. */
export interface DevPictures<T> {
  /**
   * The finished picture, or a placeholder when that takes longer than a moment or may not be made here.
   * @throws UpscaleError that of the work, also when no placeholder can be made of the image
   */
  ask(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<DevPicture<T>>
  /** A placeholder, whether or not the picture is there. @throws UpscaleError when none can be made of the image */
  placeholder(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<DevPicture<T>>
  close(): void
}

export interface DevEvents {
  /** All work is done, and some of it was shown by a placeholder before. */
  onNews(): void
  /** Work failed that was shown by a placeholder; whoever asks next gets the error. */
  onLateFailure(error: unknown): void
  /** A placeholder is shown because no engine may make the picture here. */
  onLeftOut(error: UpscaleError): void
}

/** @param finish makes the picture in the form that the host wants */
export function createDevPictures<T>(
  { options }: Pick<ProjectUpscaler, 'options'>,
  finish: (source: string, request: UpscaleRequest, site: ReferenceSite) => Promise<T>,
  { onNews, onLateFailure, onLeftOut }: DevEvents,
): DevPictures<T> {
  const placeholders = createPlaceholders(options.maxPixels)
  const queue = createDevQueue<T>({
    onNews,
    onLateFailure: error => (isLeftOut(error) ? onLeftOut(error) : onLateFailure(error)),
  })
  return {
    async ask(source, request, site) {
      const stamp = fileState(source)
      const key = `${source}?${queryOf(request, options)}`
      try {
        const finished = await queue.ask(key, stamp, () => finish(source, request, site))
        if (finished !== undefined) return { kind: 'finished', finished }
      } catch (error) {
        if (!isLeftOut(error)) throw error
        onLeftOut(error)
      }
      try {
        return { kind: 'placeholder', placeholder: await placeholders.make(source, stamp, request.factor) }
      } catch (cause) {
        // The same image stops the work too, whose error says more. Were it made after all, it can be shown.
        const finished = await queue.endOf(key)?.catch(error => {
          if (!isLeftOut(error)) throw error
        })
        if (finished !== undefined) return { kind: 'finished', finished }
        throw withPlace(unreadable(source, cause), site)
      }
    },
    async placeholder(source, request, site) {
      try {
        const placeholder = await placeholders.make(source, fileState(source), request.factor)
        return { kind: 'placeholder', placeholder }
      } catch (cause) {
        throw withPlace(unreadable(source, cause), site)
      }
    },
    close: () => queue.close(),
  }
}

/** The error of an image that no work looked into, as when no engine may run. */
function unreadable(source: string, cause: unknown): UpscaleError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new UpscaleError('SOURCE_CORRUPT', `${basename(source)} can't be decoded: ${why}`, {
    hint: 'save or fetch the image again',
    cause,
  })
}

/** What `as=metadata` says about a picture that is not finished: the same as when it is. */
export function factsOf(
  { width, height, sourceFormat }: Placeholder,
  { factor, engine, format = sourceFormat }: UpscaleRequest,
): VariantParts['image'] & { readonly format: Format } {
  return { width, height, format, factor, engine }
}
