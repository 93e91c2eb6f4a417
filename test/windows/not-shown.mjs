/*
 * Unit tests that fail under Wine for what Wine 8 is, not for what Windows is: their files, their names, and why. A test that
 * fails and isn't named here fails the run.
 *
 * Beside these nothing is shown of Farm, Rspack, Rsbuild and Next, of locks and caches under load (the fault tests), of case,
 * of long paths and of files that another program holds open: Wine has the Linux file system below.
 * `packages/core/src/cache/held-open.test.ts` and the tests of Windows' paths feed those to the modules.
 */
const NOT_SHOWN = [
  {
    files: /^packages\/core\/src\/engines\//,
    names: /./,
    says: /connect UNKNOWN|API_UNREACHABLE|could not reach|nothing came from|api\.example/,
    why: 'the connections of undici end with "connect UNKNOWN"',
  },
  {
    files: /^packages\/core\/src\/(?:source\/source|cache\/lock\/lock|cache\/cache-damage)\.test\.ts$/,
    names: /\blinks?\b|a name that leads nowhere|may be a link/,
    why: 'symbolic links are neither made nor seen as in Windows',
  },
  {
    files: /^packages\/core\/src\/(?:source\/source|cache\/cache)\.test\.ts$/,
    names: /a named pipe|a device|committed to git/,
    why: 'git, mkfifo and /dev are programs and places of another system',
  },
  {
    files: /^packages\/core\/src\/cache\/cache-damage\.test\.ts$/,
    names: /a file where the entry should be is healed by storing without looking first/,
    says: /quarantined/,
    why: 'a rename puts a folder in the place of a file, which Windows refuses',
  },
  {
    files: /^packages\/toolkit\/src\/terminal\/stop-signals\.test\.ts$/,
    names: /./,
    why: 'a process gets no signals from another',
  },
]

/**
 * Why Wine can't show what a test is about; undefined when it can.
 * @param says the failure's message
 */
export function notShown(file, name, says) {
  const known = NOT_SHOWN.find(
    entry => entry.files.test(file) && entry.names.test(name) && (entry.says?.test(says) ?? true),
  )
  return known?.why
}
