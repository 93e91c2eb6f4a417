import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The file of a package's command. @param folder the `node_modules` that has the package; absolute */
export function commandFile(folder: string, name: string, command: string): string {
  const root = join(folder, name)
  const { bin } = createRequire(import.meta.url)(join(root, 'package.json'))
  return join(root, typeof bin === 'string' ? bin : bin[command])
}
