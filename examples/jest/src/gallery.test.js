import { gallery } from './gallery.js'

test('the gallery shows a picture at half its size', () => {
  expect(gallery()).toMatch(/^<img src=".*terrazzo\.png" width="160"/)
})
