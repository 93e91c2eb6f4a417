import { afterEach, beforeEach, expect, test } from 'vitest'
import { paint } from '../support/pictures.ts'
import { makeProject, type Project } from './command.ts'

/** Names that Linux takes, with what a terminal or the log of a CI job would act upon. */
const NAMES = [
  'in/x\n::error::owned.png',
  'in/\u001b[2J\u001b]0;owned\u0007.png',
  'in/\u202egpj.evil.png',
  'in/\u009b31m.png',
  'in/::warning::w.png',
  'in/##vso[task.setvariable variable=a]b.png',
  "in/##teamcity[buildStatus status='SUCCESS'].png",
  'in/broken\n::error::b.png',
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: what no line may hold
const RAW = /[\0-\x09\x0b-\x1f\x7f-\x9f]|\p{Cf}|\p{Zl}|\p{Zp}|^\s*::|##\w*\[/mu

let project: Project
beforeEach(async () => {
  project = await makeProject()
  for (const name of NAMES) await paint(project.root, name)
  await project.write('in/broken\n::error::b.png', 'no picture')
  await project.write('site/\u001b[2Jpage.html', '<img src="\u001b]0;x\u0007\n::error::a.png?upscale=2">')
})
afterEach(() => project.remove())

test('nothing that a command says can be taken for anything but text', async () => {
  const run = ['in', '--engine', 'resize', '--out', 'out\u009b2J\n::error::o']
  const commands = [
    ['plan', 'in', '--engine', 'resize'],
    ['run', ...run],
    ['run', ...run, '--json'],
    ['run', 'in/none\n::error::\u001b[2J.png'],
    ['run', 'in', '--engine', 'x\n::error::\u001b[2J'],
    ['html', 'site', '--engine', 'resize'],
    ['warm', 'site', '--engine', 'resize'],
    ['ls'],
    ['ls', '--json'],
    ['verify'],
    ['doctor'],
    ['why', 'in/x\n::error::owned.png'],
    ['no-such\n::error::command\u001b[2J'],
  ]
  for (const command of commands) {
    const { stdout, stderr } = await project.run(command)
    expect(stdout + stderr, command.join(' ')).not.toMatch(RAW)
    expect((stdout + stderr).length).toBeGreaterThan(0)
  }
})
