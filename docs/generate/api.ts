import type { Packages } from './packages.ts'

/** Writes a page for each package into the folder. */
export async function writeApi({ app, project }: Packages, folder: string): Promise<void> {
  app.options.setValue('outputs', [{ name: 'markdown', path: folder }])
  await app.generateOutputs(project)
}
