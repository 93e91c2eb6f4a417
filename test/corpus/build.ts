import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { drawPictures } from './pictures.ts'
import { drawRefusals } from './refusals.ts'
import { type Draft, refused, type Specimen, upscaled } from './scene.ts'

/**
 * Writes some hundreds of odd files into `folder/project`, and says of each what must become of it. Nothing of the
 * packages under test takes part.
 */
export async function buildCorpus(folder: string): Promise<{ root: string; specimens: Specimen[] }> {
  const root = join(folder, 'project')
  const drafts = [...(await drawPictures()), ...(await drawRefusals())]
  const sample = drafts[0]![1]
  const specimens = [...drafts, ...oddNames(sample)].map(([name, bytes, expected]) => {
    const file = join(root, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
    return { name, file, expected }
  })
  return { root, specimens: [...specimens, ...oddPlaces(folder, root, sample)] }
}

/** Names that are legal in a file system of a POSIX host and awkward elsewhere. */
function oddNames(sample: Uint8Array): Draft[] {
  const names = [
    'with space.png',
    'new\nline.png',
    'tab\there.png',
    'quote\'s "both".png',
    '-dash.png',
    '.hidden.png',
    'CON.png',
    'dots...png',
    'ends with dot.',
    '100%25.png',
    'hash#and?query.png',
    'back\\slash.png',
    'Größe-日本-🙂.png',
    'right\u202eto-left.png',
    'e\u0301-decomposed.png',
    `${'long'.repeat(62)}.png`,
    '__proto__.png',
    'constructor',
  ]
  return names.map(name => [`names/${name}`, sample, upscaled('png')])
}

/** Things that are not files, and files that must not be read. */
function oddPlaces(folder: string, root: string, sample: Uint8Array): Specimen[] {
  const at = (name: string): string => join(root, 'places', name)
  const outside = join(folder, 'outside.png')
  mkdirSync(at('folder.png'), { recursive: true })
  mkdirSync(join(root, 'node_modules/pictures'), { recursive: true })
  writeFileSync(join(root, 'node_modules/pictures/a.png'), sample)
  writeFileSync(outside, sample)
  writeFileSync(at('real.png'), sample)
  symlinkSync(at('real.png'), at('link.png'))
  symlinkSync(outside, at('escape.png'))
  symlinkSync(folder, at('up'))
  symlinkSync(at('gone.png'), at('dangling.png'))
  symlinkSync(at('loop.png'), at('loop.png'))
  symlinkSync('/dev/zero', at('device.png'))
  execFileSync('mkfifo', [at('pipe.png')])
  const specimen = (name: string, file: string, expected: Specimen['expected']): Specimen => ({
    name,
    file,
    expected,
  })
  return [
    specimen('a link inside the project', at('link.png'), upscaled('png')),
    specimen('a link out of the project', at('escape.png'), refused('SOURCE_OUTSIDE_ROOT')),
    specimen('a linked folder out of the project', at('up/outside.png'), refused('SOURCE_OUTSIDE_ROOT')),
    specimen('a path out of the project', join(root, '../outside.png'), refused('SOURCE_OUTSIDE_ROOT')),
    specimen('a link to a device', at('device.png'), refused('SOURCE_OUTSIDE_ROOT')),
    specimen(
      'a package',
      join(root, 'node_modules/pictures/a.png'),
      refused('SOURCE_OUTSIDE_ROOT', 'node_modules'),
    ),
    specimen('a folder', at('folder.png'), refused('SOURCE_NOT_A_FILE', 'folder')),
    specimen('a pipe', at('pipe.png'), refused('SOURCE_NOT_A_FILE', 'pipe')),
    specimen('a broken link', at('dangling.png'), refused('SOURCE_NOT_FOUND')),
    specimen('a circular link', at('loop.png'), refused('SOURCE_UNREADABLE')),
    specimen('nothing', at('missing.png'), refused('SOURCE_NOT_FOUND')),
    specimen('a file below a file', at('real.png/x.png'), refused('SOURCE_NOT_FOUND')),
    specimen('a path with a zero byte', at('a\0.png'), refused('SOURCE_NOT_FOUND')),
    specimen('a name of 300 bytes', at(`${'x'.repeat(300)}.png`), refused('SOURCE_NOT_FOUND')),
  ]
}
