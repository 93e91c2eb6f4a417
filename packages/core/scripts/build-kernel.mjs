// Compiles assembly/ and writes the module as base64 to src/image/kernel-bytes.ts. `--print` writes it to stdout instead.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))

const FLAGS = [
  ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert'],
  ...['--enable', 'simd', '--runtime', 'stub', '--importMemory'],
]

async function compile() {
  let binary
  const { error, stderr } = await asc.main(
    ['assembly/index.ts', '--baseDir', root, '--outFile', 'kernel.wasm', ...FLAGS],
    {
      writeFile: (_name, contents) => {
        binary = contents
      },
    },
  )
  if (error) throw new Error(`assembly/ does not compile: ${stderr}`, { cause: error })
  return Buffer.from(binary).toString('base64')
}

const text = `// Made by scripts/build-kernel.mjs from assembly/; kernel.test.ts compares the two. Don't edit.
export const KERNEL_BASE64: string =
  '${await compile()}'
`

if (process.argv.includes('--print')) process.stdout.write(text)
else await writeFile(new URL('../src/image/kernel-bytes.ts', import.meta.url), text)
