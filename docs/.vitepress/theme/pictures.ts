import chart from '../../../examples/vite/src/pictures/chart.png'
import chart2x from '../../../examples/vite/src/pictures/chart.png?upscale=2'
import editor from '../../../examples/vite/src/pictures/editor.png'
import editor2x from '../../../examples/vite/src/pictures/editor.png?upscale=2'
import lake from '../../../examples/vite/src/pictures/lake.jpg'
import lake2x from '../../../examples/vite/src/pictures/lake.jpg?upscale=2'
import poster from '../../../examples/vite/src/pictures/poster.png'
import poster2x from '../../../examples/vite/src/pictures/poster.png?upscale=2'

/** A picture, what the local engine makes of it, and the place in it that is worth a look; pixels of the original. */
export interface Scene {
  readonly name: string
  readonly file: string
  readonly before: string
  readonly after: string
  readonly width: number
  readonly height: number
  readonly focus: readonly [x: number, y: number]
}

export const SCENES: readonly [Scene, ...Scene[]] = [
  {
    name: 'Poster',
    file: 'poster.png',
    before: poster,
    after: poster2x,
    width: 400,
    height: 600,
    focus: [118, 480],
  },
  {
    name: 'Editor',
    file: 'editor.png',
    before: editor,
    after: editor2x,
    width: 480,
    height: 260,
    focus: [200, 150],
  },
  {
    name: 'Chart',
    file: 'chart.png',
    before: chart,
    after: chart2x,
    width: 400,
    height: 260,
    focus: [150, 130],
  },
  { name: 'Lake', file: 'lake.jpg', before: lake, after: lake2x, width: 600, height: 375, focus: [360, 200] },
]
