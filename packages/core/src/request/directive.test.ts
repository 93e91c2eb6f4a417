import { describe, expect, test } from 'vitest'
import { isUpscaleError, type UpscaleError } from '../errors.ts'
import { type Directive, misspelledKeys, OWN_KEYS, parseDirective } from './directive.ts'
import { resolveOptions } from './options.ts'

const options = resolveOptions(
  {
    engine: 'resize',
    factor: 3,
    presets: { hero: { factor: 4, format: 'webp', quality: 70, params: { detail: '60' } } },
  },
  { root: '/project', env: {} },
)

function parse(reference: string): Directive {
  const directive = parseDirective(reference, options)
  if (directive === undefined) throw new Error(`not tagged: ${reference}`)
  return directive
}

function refusal(reference: string): UpscaleError {
  try {
    parseDirective(reference, options)
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error(`accepted: ${reference}`)
}

describe('valid', () => {
  test('takes a number', () => {
    expect(parse('./hero.png?upscale=2')).toEqual({
      reference: './hero.png?upscale=2',
      path: './hero.png',
      rest: '',
      as: 'url',
      requests: [{ factor: 2, engine: 'resize', params: {} }],
    })
    expect(parse('a.png?upscale=1.5').requests[0].factor).toBe(1.5)
  })

  test.each(['a.png?upscale', 'a.png?upscale=', 'a.png?upscale#x'])(
    'takes the default factor for %s',
    reference => {
      expect(parse(reference).requests[0].factor).toBe(3)
    },
  )

  test('takes a preset, whose values the reference overrides', () => {
    expect(parse('a.png?upscale=hero').requests).toEqual([
      { factor: 4, engine: 'resize', format: 'webp', quality: 70, params: { detail: '60' } },
    ])
    expect(parse('a.png?upscale=hero&quality=90&detail=10&format=jpg').requests).toEqual([
      { factor: 4, engine: 'resize', format: 'jpeg', quality: 90, params: { detail: '10' } },
    ])
  })

  test('takes several factors for a srcset, smallest first', () => {
    const { as, requests } = parse('a.png?upscale=3;2&as=srcset')
    expect(as).toBe('srcset')
    expect(requests.map(({ factor }) => factor)).toEqual([2, 3])
  })

  test('takes keys in any order and decodes their values', () => {
    const { requests } = parse('a.png?prompt=fine%20type+only&engine=resize&upscale=2&seed=7')
    expect(requests[0]).toMatchObject({ engine: 'resize', params: { prompt: 'fine type only', seed: '7' } })
  })
})

describe('what is not ours', () => {
  test.each([
    'a.png',
    'a.png?w=800',
    './upscale',
    'a.png?upscaled=2',
    'a.png?format=webp',
    'a.png?prompt=x',
    'upscale=2',
  ])('leaves %s alone', reference => {
    expect(parseDirective(reference, options)).toBeUndefined()
  })

  test('hands every other key and the fragment on, in order and unchanged', () => {
    expect(parse('a.png?inline&upscale=2&x=%20y#top').rest).toBe('?inline&x=%20y#top')
    expect(parse('a.png?upscale=2#top').rest).toBe('#top')
  })

  test('leaves the output keys to an image plugin that comes after us', () => {
    const { rest, as, requests } = parse('a.png?upscale=2&w=800&format=webp&quality=50&as=picture')
    expect(rest).toBe('?w=800&format=webp&quality=50&as=picture')
    expect(as).toBe('url')
    expect(requests[0]).not.toHaveProperty('format')
  })
})

describe('invalid', () => {
  test.each([
    ['a.png?upscale=0', 'above 1, 8 at most'],
    ['a.png?upscale=1', 'above 1'],
    ['a.png?upscale=-1', 'above 1'],
    ['a.png?upscale=20', '8 at most'],
    ['a.png?upscale=1e9', 'factor'],
    ['a.png?upscale=NaN', 'unknown preset'],
    ['a.png?upscale=2;3', 'as=srcset'],
    ['a.png?upscale=2;2&as=srcset', 'twice'],
    ['a.png?upscale=2&upscale=3', 'twice'],
    ['a.png?upscale=Hero', 'did you mean "hero"'],
    ['a.png?upscale=2&format=bmp', 'one of png, jpeg, webp, avif, gif'],
    ['a.png?upscale=2&quality=0', '1 to 100'],
    ['a.png?upscale=2&quality=', '1 to 100'],
    ['a.png?upscale=2&as=picture', 'one of url, srcset, metadata'],
    ['a.png?upscale=2&as=webp', 'write format=webp'],
    ['a.png?upscale=2&as=jpg', 'write format=jpg'],
    ['a.png?upscale=%00', 'unknown preset'],
    ['a.png?upscale=2&prompt=%', 'percent-encoding'],
    ['a.png?upscale=__proto__', 'unknown preset'],
    ['a.png?upscale=constructor', 'unknown preset'],
    ['a.png?detail=60', 'without upscale'],
    ['a.png?v=1?upscale=2', 'no key of the query is ours'],
    [`a.png?upscale=${'9'.repeat(5000)}`, 'characters'],
  ])('refuses %.60s', (reference, part) => {
    const error = refusal(reference)
    expect(error.code).toBe('BAD_DIRECTIVE')
    expect(error.message).toContain(part)
    expect(error.message).toContain(reference.slice(0, 30))
  })

  test.each(['resise', '__proto__', ''])('refuses the engine %j with the known ones', name => {
    const error = refusal(`a.png?upscale=2&engine=${name}`)
    expect(error.code).toBe('UNKNOWN_ENGINE')
    expect(error.message).toContain('use one of resize')
  })
})

describe('hostile', () => {
  test('never crashes, and whatever it accepts has a factor in range', () => {
    const pieces = [
      ...OWN_KEYS,
      'w',
      '=',
      '&',
      '?',
      ';',
      '2',
      '%',
      '%2',
      '%ff',
      '\0',
      '#',
      '__proto__',
      '.',
      '-',
      'é',
      '+',
    ]
    // A small linear congruential generator, so that a failure comes again.
    let state = 1
    const next = (below: number): number => {
      state = (state * 48271) % 2147483647
      return state % below
    }
    for (let round = 0; round < 10_000; round++) {
      let reference = 'a.png?upscale='
      for (let part = next(8); part > 0; part--) reference += pieces[next(pieces.length)]
      try {
        const directive = parseDirective(reference, options)
        for (const { factor } of directive?.requests ?? [])
          expect(factor > 1 && factor <= 8, reference).toBe(true)
      } catch (error) {
        expect(isUpscaleError(error), reference).toBe(true)
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('keys that are nearly ours', () => {
  test.each([
    ['a.png?upscal=2', 'upscal', 'upscale'],
    ['a.png?upscalle', 'upscalle', 'upscale'],
    ['a.png?upscale=2&fromat=webp', 'fromat', 'format'],
    ['a.png?upscale=2&qualty=80', 'qualty', 'quality'],
    ['a.png?Upscale=2', 'Upscale', 'upscale'],
    ['a.png?UPSCALE=2&w=800', 'UPSCALE', 'upscale'],
    ['a.png?upscale=2&Format=webp', 'Format', 'format'],
    ['a.png?upscale:2', 'upscale:2', 'upscale'],
    ['a.png?upscale-2', 'upscale-2', 'upscale'],
    ['a.png?upscale%3D2', 'upscale%3D2', 'upscale'],
    ['a.png?upscale=2&amp;format=webp', 'amp;format', 'format'],
    ['a.png#upscale=2', '#upscale', 'upscale'],
    ['a.png?v=1#upscale=2', '#upscale', 'upscale'],
    ['a.png&upscale=2', '&upscale', 'upscale'],
    ['a.png%3Fupscale=2', '%3Fupscale', 'upscale'],
  ])('%s', (reference, written, meant) => {
    expect(misspelledKeys(reference)).toEqual([{ written, meant }])
  })

  test.each([
    'a.png',
    'a.png?upscale=2&format=webp&quality=80&engine=fine',
    'a.png?scale=2&mode=fit&w=800&preset=thumb&url&inline',
    'a.png?placeholder&progressive',
    'a.png?upscale=2#upscale-by-two',
    'a.png#upscaled',
  ])('%s has none', reference => {
    expect(misspelledKeys(reference)).toEqual([])
  })
})
