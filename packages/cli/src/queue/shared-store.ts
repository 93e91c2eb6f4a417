import { type ResolvedOptions, UpscaleError } from 'upscale-core'
import { openRemoteStore, type RemoteStore } from 'upscale-core/internal'

/**
 * The store that pictures are handed over in and answers come back through: the remote cache.
 * @throws UpscaleError BAD_OPTION when it may only be read
 */
export function openSharedStore({ remoteCache }: ResolvedOptions): RemoteStore {
  if (remoteCache === undefined) throw new TypeError('a queue without a store')
  if (remoteCache.readOnly) {
    throw new UpscaleError('BAD_OPTION', `the remote cache (${remoteCache.name}) may only be read`, {
      hint: 'a queue needs one that may be written to: unset UPSCALE_REMOTE_CACHE_READONLY',
    })
  }
  return openRemoteStore(remoteCache)
}
