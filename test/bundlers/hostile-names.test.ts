import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { type Site, writeSite } from '../support/site.ts'

/*
 * Names of files, references and directives may hold what a terminal or the log of a CI job would act upon. What we say of
 * them goes through a bundler, which prints our message, our cause or our stack, and puts words of its own around them.
 */

const NAME = '\u001b[2J\u001b]0;owned\u0007\u202e\u2066\u009b31m\n::error::owned'
const WRITTEN = NAME.replace(/[^ -~]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
const COMMANDS = '##vso[task.setvariable variable=a]##teamcity[b]'

const shown = (reference: string): string => `import a from '${reference}'\nconsole.log(a)`

/** Projects, and the code of the error that each is answered with. */
const CASES: Readonly<Record<string, readonly [code: RegExp, files: Readonly<Record<string, string>>]>> = {
  'a directive': [
    /BAD_DIRECTIVE/,
    { 'src/main.js': shown(`./a.png?upscale=${WRITTEN}${COMMANDS}`), 'src/a.png': 'no picture' },
  ],
  'a picture that is none': [
    /SOURCE_CORRUPT/,
    { 'src/main.js': shown(`./a${WRITTEN}.png?upscale=2`), [`src/a${NAME}.png`]: 'no picture' },
  ],
  'a picture that is not there': [
    /SOURCE_NOT_FOUND/,
    { 'src/main.js': shown(`./a${WRITTEN}.png?upscale=2`) },
  ],
  'the module that has the reference': [
    /SOURCE_CORRUPT/,
    {
      'src/main.js': `import './m${WRITTEN}.js'`,
      [`src/m${NAME}.js`]: shown('./a.png?upscale=2'),
      'src/a.png': 'no picture',
    },
  ],
  'what is left over': [
    /LEFTOVER_REFERENCE/,
    { 'src/main.js': `console.log('./a${WRITTEN}.png?upscale=2', './${COMMANDS}.png?upscale=2')` },
  ],
}

interface Row {
  /** True where the host adds nothing to our words that holds a name as it is. */
  readonly isClean: boolean
  /** Cases in which the host finds no picture before it asks us. */
  readonly own?: readonly string[]
}

const UNRESOLVED = ['a picture that is not there']
const ROWS: Readonly<Record<string, Row>> = {
  vite: { isClean: true },
  vite7: { isClean: true },
  vite6: { isClean: true },
  rollup: { isClean: true },
  rolldown: { isClean: true },
  esbuild: { isClean: false },
  webpack: { isClean: false, own: UNRESOLVED },
  rspack: { isClean: false, own: UNRESOLVED },
  rsbuild: { isClean: false, own: UNRESOLVED },
  farm: { isClean: false, own: UNRESOLVED },
  bun: { isClean: true },
}

const BUN = fileURLToPath(new URL('../../examples/bun/node_modules/.bin/bun', import.meta.url))

// biome-ignore lint/suspicious/noControlCharactersInRegex: what no line may hold
const RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f]|\p{Cf}|\p{Zl}|\p{Zp}|^\s*::|##\w*\[/u
/** A line of ours: of the summary, the message with its code, the place, the remedy. */
const OURS = /upscale\]|\[[A-Z]+_[A-Z_]+\]|^\W*(?:at ".*" in |fix: )/

/** What esbuild puts before our message in the error that it throws. */
const BY_ESBUILD = /: ERROR: \[plugin: upscale\]/

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

/** All that a build says. */
async function build(host: string, files: Readonly<Record<string, string>>): Promise<string> {
  const page = '<!doctype html><html><body><script type="module" src="./src/main.js"></script></body></html>'
  const site = await writeSite({ 'index.html': page, ...files })
  sites.push(site)
  const script = fileURLToPath(new URL('../support/run-build.mjs', import.meta.url))
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' }
  return new Promise(resolve =>
    execFile(
      host === 'bun' ? BUN : process.execPath,
      [script, host, site.root, '1'],
      { cwd: site.root, env },
      (_, out, errors) => resolve(out + errors),
    ),
  )
}

test.each(Object.entries(ROWS))(
  '%s shows names as text in what we say',
  async (host, { isClean, own = [] }) => {
    for (const [name, [code, files]] of Object.entries(CASES)) {
      const said = await build(host, files)
      if (!own.includes(name)) expect(said, name).toMatch(code)
      const lines = said.split('\n').filter(line => isClean || (OURS.test(line) && !BY_ESBUILD.test(line)))
      for (const line of lines) expect(line, `${name}: ${said}`).not.toMatch(RAW)
    }
  },
)
