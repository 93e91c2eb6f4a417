import { accessSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Path of the Chromium that the benchmarks draw with. @throws Error where PATH has none */
export function findBrowser() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const file = join(folder, name)
      try {
        accessSync(file)
        return file
      } catch {
        // Not there: look on.
      }
    }
  }
  throw new Error('No Chromium in PATH. Install one.')
}
