import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isFile } from './is-file.ts'

/**
 * The folder of the workspace that a folder belongs to, by the marks that Vite goes by for `server.fs.allow`
 * (`searchForWorkspaceRoot`): pnpm-workspace.yaml, lerna.json, or a package.json with `workspaces`.
 * @param folder absolute
 * @returns undefined when there is no workspace
 */
export function workspaceFolder(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const isWorkspace =
      isFile(join(at, 'pnpm-workspace.yaml')) || isFile(join(at, 'lerna.json')) || hasWorkspaces(at)
    if (isWorkspace) return at
    if (dirname(at) === at) return undefined
  }
}

function hasWorkspaces(folder: string): boolean {
  const file = join(folder, 'package.json')
  if (!isFile(file)) return false
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof manifest === 'object' && manifest !== null && 'workspaces' in manifest
  } catch (error) {
    // A broken one is for the package manager to tell of.
    if (error instanceof SyntaxError) return false
    throw error
  }
}
