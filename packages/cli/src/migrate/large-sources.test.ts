import { expect, test } from 'vitest'
import type { Finding, Project } from './finding.ts'
import { applied, findingsIn } from './index.ts'

/*
 * What grows faster than a source does ends in minutes on a large one; these are so large that it would not end within a
 * test's time.
 */

/** All pictures are one of 90 × 60 pixels. */
const PROJECT: Project = {
  find: () => '/a.png',
  sizeOf: async () => ({ width: 90, height: 60 }),
  dependsOn: () => true,
  packageOf: () => undefined,
}

function found(text: string): Promise<readonly Finding[]> {
  return findingsIn({ file: '/a.tsx', text }, PROJECT)
}

test('each of thousands of directives is found, once and in order', async () => {
  const text = '"./a.png?w=180&allowUpscale" '.repeat(30_000)
  const findings = await found(text)
  expect(findings).toHaveLength(30_000)
  expect(applied({ file: '/a.tsx', text }, findings) === '"./a.png?upscale=2&w=180" '.repeat(30_000)).toBe(
    true,
  )
})

test('thousands of components between as many comments', async () => {
  const line = (at: number): string =>
    `import a${at} from "./a.png"\n/* <Image src={a${at}} /> */\n<Image src={a${at}} width={180}/>\n`
  const lines = Array.from({ length: 10_000 }, (_, at) => line(at))
  const findings = await found(`import Image from 'next/image'\n${lines.join('')}`)
  expect(findings).toHaveLength(10_000)
})

test.each([
  ['a width of stray percent signs', '"a.png?allowUpscale&w=%"'],
  ['a query of thousands of keys', `"a.png?allowUpscale${'&w=1'.repeat(200_000)}"`],
  ['a width of thousands of numbers', `"a.png?allowUpscale&w=${'1;'.repeat(200_000)}"`],
])('%s is left to a person', async (_, text) => {
  expect(await found(text)).toMatchObject([{ why: expect.stringContaining('not larger') }])
})

test.each([
  ['imports that break off', 'import {'.repeat(100_000)],
  ['imports of the same name again and again', `import {${'Image,'.repeat(100_000)}`],
  ['components that break off', `import Image from 'next/image'\n${'<Image {'.repeat(50_000)}`],
  [
    'components in a tag that ends late',
    `import Image from 'next/image'\n${`${'<Image '.repeat(500)}>`.repeat(400)}`,
  ],
  [
    'components in attributes',
    `import Image from 'next/image'\n${('<Image a={'.repeat(300) + '}>'.repeat(300)).repeat(200)}`,
  ],
  ['options', `/cdn-cgi/image/upscale=true,width=90,${'a=b,'.repeat(1_000_000)}/a.png`],
  ['commas', `e_upscale ${','.repeat(200_000)}a`],
])('%s are nothing', async (_, text) => {
  expect(await found(text)).toEqual([])
})
