import 'example-page/page.css'
import './style.css'
import { fill, measure } from 'example-page/page.js'
import posterOriginal from './pictures/poster.png'
import poster from './pictures/poster.png?upscale=2'

fill('poster', posterOriginal, poster)

const logoOriginal = new URL('./pictures/logo.png', import.meta.url).href
const logo = new URL('./pictures/logo.png?upscale=2', import.meta.url).href
fill('logo', logoOriginal, logo)

const originals = import.meta.glob('./pictures/scenes/*', { eager: true, query: '?url', import: 'default' })
const scenes = import.meta.glob('./pictures/scenes/*', {
  eager: true,
  query: '?upscale=2',
  import: 'default',
})
for (const [path, original] of Object.entries(originals)) {
  const id = path.split('/').pop().split('.')[0]
  fill(id, original, scenes[path])
}

Promise.all([import('./pictures/icon.png'), import('./pictures/icon.png?upscale=2')])
  .then(([original, upscaled]) => fill('icon', original.default, upscaled.default))
  .then(measure)
