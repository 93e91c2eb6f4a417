// Loaded before the code under test (`node --import`): below the folder FOLDED, names that differ in case only are one, as on
// a mounted disk of another system. What is there has its name in small letters.

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { FOLDED = '' } = process.env
const { native } = fs.realpathSync

const ONE_PATH =
  'access chmod existsSync lstat mkdir open readdir realpath rm stat statfs unlink utimes writeFile'
const TWO_PATHS = 'copyFile link rename symlink'

const fold = path =>
  typeof path === 'string' && path.startsWith(`${FOLDED}/`)
    ? FOLDED + path.slice(FOLDED.length).toLowerCase()
    : path

function wrap(functions, name, paths) {
  const original = functions[name]
  if (original === undefined) return
  functions[name] = (...args) => original(...args.map((arg, at) => (at < paths ? fold(arg) : arg)))
}

for (const [names, paths] of [
  [ONE_PATH, 1],
  [TWO_PATHS, 2],
]) {
  for (const name of names.split(' ')) {
    wrap(fs.promises, name, paths)
    wrap(fs, `${name}Sync`, paths)
    wrap(fs, name, paths)
  }
}
// A system's own `realpath` leaves the letters as they were written.
fs.realpathSync.native = path => (native(fold(path)) === fold(path) ? path : native(fold(path)))
syncBuiltinESMExports()
