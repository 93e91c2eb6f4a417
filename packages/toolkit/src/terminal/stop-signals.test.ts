import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** A file of this folder as a module that a child process can import. */
function moduleOf(name: string): string {
  const { outputText } = ts.transpileModule(readFileSync(new URL(name, import.meta.url), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  })
  const code = outputText.replace(/'\.\/(.+?)'/g, (_, other) => `'${moduleOf(other)}'`)
  return `data:text/javascript,${encodeURIComponent(code).replaceAll("'", '%27')}`
}
const MODULE = moduleOf('stop-signals.ts')

/** A process that takes a while to drain, and a host beside it that handles the signal in its own way. */
function startHost(host: string) {
  const script = `
    const { drainOnSignals } = await import(${JSON.stringify(MODULE)})
    ${host}
    const alive = setInterval(() => {}, 1000)
    drainOnSignals({ drain: () => new Promise(kept => process.stdin.once('data', () => {
      process.stdout.write('kept\\n', () => { clearInterval(alive); kept() })
    })) }, text => process.stdout.write(text + '\\n'))
    process.stdout.write('ready\\n')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  let output = ''
  child.stdout.on('data', data => (output += data))
  child.stderr.on('data', data => (output += data))
  const says = async (text: string): Promise<void> => {
    while (!output.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${output}`)
      await new Promise(next => setTimeout(next, 5))
    }
  }
  return { child, says, output: () => output }
}

const RESENDS = `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => process.kill(process.pid, signal))`

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'one %s that the host sends to itself again keeps what is under way',
  async signal => {
    const { child, says, output } = startHost(RESENDS)
    await says('ready')
    child.kill(signal)
    await says('stopping')
    child.stdin.write('answer\n')
    const [, how] = await once(child, 'exit')
    expect([how, output().includes('\nkept\n')]).toEqual([signal, true])
  },
)

test('a person who asks again and again leaves at once', async () => {
  const { child, says, output } = startHost('')
  await says('ready')
  const asking = setInterval(() => child.kill('SIGINT'), 100)
  const [code] = await once(child, 'exit')
  clearInterval(asking)
  expect([code, output().includes('\nkept\n')]).toEqual([130, false])
})
