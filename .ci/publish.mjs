/*
 * Publishes every package whose version is not on the registry yet, dependencies first, and tags what was published. Run by
 * the workflow "Release".
 *
 *     node .ci/publish.mjs [--dry-run]
 *
 * pnpm packs, since it writes real versions for `workspace:` and `catalog:`; npm publishes the tarballs, since it is the
 * one that does trusted publishing. npm compares the provenance with the manifest's repository, which is only known
 * where this runs, so it is filled in here.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const isDry = process.argv.includes('--dry-run')
const root = join(import.meta.dirname, '..')
const folders = readdirSync(join(root, 'packages')).map(name => join('packages', name))
const manifests = new Map(folders.map(folder => [folder, readManifest(folder)]))

const tarballs = mkdtempSync(join(tmpdir(), 'upscale-release-'))
for (const folder of dependenciesFirst()) {
  const { name, version } = manifests.get(folder)
  if (isPublished(name, version)) {
    console.log(`${name}@${version} is published already`)
    continue
  }
  const file = pack(folder)
  const flags = ['--access', 'public', ...(isDry ? ['--dry-run'] : ['--provenance'])]
  execFileSync('npm', ['publish', file, ...flags], { cwd: tarballs, stdio: 'inherit' })
  if (isDry) continue
  const tag = `${name}@${version}`
  execFileSync('git', ['tag', tag], { cwd: root })
  // The action looks for this line, pushes the tag, and writes a release for it.
  console.log(`New tag: ${tag}`)
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}

function dependenciesFirst() {
  const order = new Set()
  const visit = folder => {
    const { dependencies = {} } = manifests.get(folder)
    for (const [other, { name }] of manifests) if (name in dependencies) visit(other)
    order.add(folder)
  }
  for (const folder of folders) visit(folder)
  return order
}

function isPublished(name, version) {
  try {
    execFileSync('npm', ['view', `${name}@${version}`, 'version', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return true
  } catch (error) {
    const said = `${error.stdout}${error.stderr}`
    if (said.includes('E404')) return false
    throw error
  }
}

/** Packs with the repository filled in where it is known, and leaves the manifest as it was. */
function pack(folder) {
  const file = join(root, folder, 'package.json')
  const before = readFileSync(file, 'utf8')
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  try {
    if (server !== undefined && repository !== undefined) {
      const address = `${server}/${repository}`
      const known = {
        repository: { type: 'git', url: `git+${address}.git`, directory: folder },
        homepage: `${address}#readme`,
        bugs: `${address}/issues`,
      }
      writeFileSync(file, `${JSON.stringify({ ...JSON.parse(before), ...known }, undefined, 2)}\n`)
    }
    const command = ['-y', 'pnpm@12', 'pack', '--json', '--pack-destination', tarballs]
    const told = JSON.parse(execFileSync('npx', command, { cwd: join(root, folder), encoding: 'utf8' }))
    return (Array.isArray(told) ? told[0] : told).filename
  } finally {
    writeFileSync(file, before)
  }
}
