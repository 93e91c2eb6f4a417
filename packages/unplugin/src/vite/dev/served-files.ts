import { UpscaleError } from 'upscale-core'
import type { ResolvedConfig } from 'vite'

/** Loaded once: a page of hundreds of pictures asks for all of them at once. */
let vite: Promise<typeof import('vite')> | undefined

/** True for a file that Vite serves to whoever can open an address: what `server.fs` allows, and the public folder. */
export async function isServed(file: string, config: ResolvedConfig): Promise<boolean> {
  vite ??= import('vite')
  const { isFileLoadingAllowed, normalizePath } = await vite
  const path = normalizePath(file)
  const isPublic = config.publicDir !== '' && path.startsWith(`${normalizePath(config.publicDir)}/`)
  // Its type wants the config of an environment since Vite 8.4; what it reads is the server's, which all of them share.
  return isPublic || isFileLoadingAllowed(config as Parameters<typeof isFileLoadingAllowed>[0], path)
}

/** The error of a picture that an address asks for and that Vite would not serve. */
export function notServed(): UpscaleError {
  return new UpscaleError(
    'SOURCE_OUTSIDE_ROOT',
    'the file is outside of what server.fs of Vite allows to be served',
    {
      hint: 'import it in a module of the project, or add its folder to server.fs.allow',
    },
  )
}
