import { compile } from 'css-select'
import { parse } from 'css-what'
import type { AnyNode, Element } from 'domhandler'
import { expect, test } from 'vitest'
import { atOnce } from '../references/steps.ts'
import { createLimits } from './page-limits.ts'
import { elementsIn, treeOf } from './page-tree.ts'
import { createSelectors } from './selectors.ts'

const PAGE = `<!doctype html><html lang=en class="a b"><body id=top>
  <main class="a"><article id=x><p class="b c"><img id=1 class="c\td"><em><img id=2></em></p></article></main>
  <div class="b"><div class="a"><div><img id=3 CLASS="A"></div></div><p></p><img id=4 alt="a b"></div>
  <svg viewBox="0 0 1 1"><linearGradient id=g></linearGradient></svg><template><p class=b><img id=5></p></template>
</body></html>`

test.each([
  '*',
  'img',
  'IMG',
  '#x img',
  '.a',
  '.A',
  '.c.d',
  'html.a .b img',
  'main > article > p img',
  'main > p img',
  '.b > .a img',
  '.b .a > img',
  '.b > .a > div > img',
  'div div .a > div img, p em > img',
  '.a .b .a .b img',
  'body > div > div > div > *',
  ':is(main, .zz) :is(p, .b > em) img',
  ':where(.b) > :is(img)',
  ':is(.a > div) img',
  'p:not(.b)',
  'div > :not(p, div)',
  'p + img',
  'main ~ div img',
  '.a ~ .b > p ~ img',
  'div:has(> p) > img',
  'p:empty',
  'img:only-child',
  'div :first-child',
  ':root > body',
  '[alt]',
  '[alt="a b"]',
  '[alt~=b]',
  '[class="A" i]',
  'lineargradient',
  ':is(.a, .b):nth-child(2) img',
])('%s selects what it does by css-select', selector => {
  const limits = createLimits('a.html')
  const elements = [...elementsIn(atOnce(treeOf(PAGE, limits)))]
  const { testOf } = createSelectors(limits)
  const tests = parse(selector).map(testOf)
  const isSelected = compile<AnyNode, Element>(selector)
  const found = elements.filter(element => tests.some(test => test(element)))
  expect(found).toEqual(elements.filter(element => isSelected(element)))
})

test.each([':hover::before', 'img:nothing', 'a || b'])(
  '%s is no selector for a page without a browser',
  selector => {
    const { testOf } = createSelectors(createLimits('a.html'))
    expect(() => parse(selector).map(testOf)).toThrow()
  },
)
