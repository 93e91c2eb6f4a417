/**
 * Writes the reference, docs/reference/*.md, from the sources of the packages: the site's build runs this first.
 * What it writes is not committed.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { writeApi } from './api.ts'
import { commandsPage } from './commands.ts'
import { directivePage } from './directive.ts'
import { environmentPage } from './environment.ts'
import { optionsPage } from './options.ts'
import { readPackages } from './packages.ts'

const folder = fileURLToPath(new URL('../reference/', import.meta.url))
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })

const packages = await readPackages()
const pages = {
  'directive.md': directivePage(),
  'options.md': optionsPage(packages),
  'environment.md': environmentPage(),
  'commands.md': commandsPage(),
}
for (const [name, text] of Object.entries(pages)) await writeFile(folder + name, text)
await writeApi(packages, `${folder}api`)
