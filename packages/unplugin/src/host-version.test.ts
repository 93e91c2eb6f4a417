import { expect, test } from 'vitest'
import viteEntry from './vite.ts'
import webpackEntry from './webpack.ts'

test('a Vite that is too old is told to be so, in builds and in dev', () => {
  for (const plugin of viteEntry()) {
    const { name, configResolved } = plugin
    if (name !== 'upscale' && name !== 'upscale:dev') continue
    expect(() => Reflect.apply(configResolved as () => void, {}, [{ plugins: [] }]), name).toThrow(
      /older Vite than Vite 6 \[HOST_UNSUPPORTED\][\s\S]*npm i -D vite@latest/,
    )
  }
  expect.assertions(2)
})

test('so is such a webpack', () => {
  expect(() => Reflect.apply(webpackEntry().apply, {}, [{ hooks: {} }])).toThrow(
    /older webpack than webpack 5 \[HOST_UNSUPPORTED\]/,
  )
})
