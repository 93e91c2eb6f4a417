import { describe, expect, it } from 'vitest'
import { checkOutput } from './output.ts'

describe('checkOutput', () => {
  const size = { width: 100, height: 100 }

  it.each(['png', 'gif'] as const)('refuses a quality for %s', format => {
    expect(() => checkOutput({}, { ...size, format, quality: 80 })).toThrow(
      /quality=80 means nothing.*BAD_DIRECTIVE/,
    )
  })

  it('refuses a JPEG of a transparent picture', () => {
    expect(() => checkOutput({ alpha: {} }, { ...size, format: 'jpeg' })).toThrow(
      /no transparency.*BAD_DIRECTIVE/,
    )
    expect(() => checkOutput({}, { ...size, format: 'jpeg' })).not.toThrow()
  })

  it('refuses sides that a format has no room for', () => {
    expect(() => checkOutput({}, { width: 20_000, height: 9, format: 'webp' })).toThrow(/20000 × 9 px.*16383/)
    expect(() => checkOutput({}, { width: 20_000, height: 9, format: 'png' })).not.toThrow()
  })
})
