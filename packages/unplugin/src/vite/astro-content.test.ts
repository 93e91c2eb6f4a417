import { expect, test } from 'vitest'
import { withSpellings } from './astro-content.ts'

test('rendered Markdown keeps the entities that Astro writes, of which its versions read no others', () => {
  const attributes = (src: string): string =>
    `<img __ASTRO_IMAGE_="{&#x22;src&#x22;:&#x22;${src}&#x22;,&#x22;alt&#x22;:&#x22;Salt &#x26; pepper&#x22;,&#x22;index&#x22;:0}">`
  const spellings = new Map([['./a.png?upscale=2', './a.png?enlarged=upscale%3D2.png']])
  expect(withSpellings(attributes('./a.png?upscale=2'), spellings)).toBe(
    attributes('./a.png?enlarged=upscale%3D2.png'),
  )
})
