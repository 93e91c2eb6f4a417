import address from '../src/terrazzo.png?upscale=2'

test('native modules see the address of the original', () => {
  expect(address).toBe('src/terrazzo.png')
})
