import { gallery } from './gallery.js'

export default { title: 'Gallery' }

export const Terrazzo = { render: gallery }
