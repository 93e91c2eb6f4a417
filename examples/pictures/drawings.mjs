/** Pictures drawn as SVG: small type, thin lines, flat colour, transparency. Each is rendered at its true size. */
import { hash, layers } from './noise.mjs'

const SANS = "font-family='Inter, Roboto, Open Sans, sans-serif'"
const MONO = "font-family='Fira Code, DejaVu Sans Mono, monospace'"

/** Two nested corners: a small square that becomes a larger one. */
const MARK = `
  <defs><linearGradient id='mark' x1='0' y1='0' x2='1' y2='1'>
    <stop offset='0' stop-color='#8b7bff'/><stop offset='1' stop-color='#18b6c9'/></linearGradient></defs>
  <rect x='4' y='28' width='32' height='32' rx='8' fill='url(#mark)'/>
  <path d='M14 16V12a8 8 0 0 1 8-8h30a8 8 0 0 1 8 8v30a8 8 0 0 1-8 8h-4' fill='none' stroke='url(#mark)'
    stroke-width='6' stroke-linecap='round'/>
  <path d='M30 34 44 20M33 19h12v12' fill='none' stroke='url(#mark)' stroke-width='6' stroke-linecap='round'
    stroke-linejoin='round'/>
  <path d='M16 48 28 36' fill='none' stroke='#fff' stroke-width='5' stroke-linecap='round'/>`

export const icon = { width: 48, height: 48, svg: sized(48, 48, `<g transform='scale(.75)'>${MARK}</g>`) }

export const logo = {
  width: 300,
  height: 90,
  svg: sized(
    300,
    90,
    `<g transform='translate(8 13)'>${MARK}</g>
    <text x='86' y='49' ${SANS} font-weight='700' font-size='31' letter-spacing='-.8' fill='#7c6cf2'>upscale</text>
    <text x='87' y='69' ${SANS} font-weight='500' font-size='11.5' letter-spacing='.2' fill='#12a3b4'>small pictures, twice the size</text>`,
  ),
}

/** An exhibition poster with type down to eight pixels. */
export function poster() {
  const circles = [
    ['#f4b860', 262, 250, 104],
    ['#e4572e', 150, 278, 92],
    ['#17bebb', 296, 340, 60],
  ]
  const discs = circles.map(
    ([fill, x, y, r]) => `<circle cx='${x}' cy='${y}' r='${r}' fill='${fill}' opacity='.94'/>`,
  )
  const rings = Array.from({ length: 9 }, (_, index) => {
    const radius = 14 + index * 12
    return `<circle cx='118' cy='330' r='${radius}' fill='none' stroke='#fdf3e3' stroke-width='1' opacity='${1 - index * 0.09}'/>`
  })
  const hatch = Array.from({ length: 30 }, (_, index) => {
    const x = 226 + index * 5
    return `<path d='M${x} 396 L${x + 44} 352' stroke='#fdf3e3' stroke-width='1'/>`
  })
  const programme = [
    ['Room 1', 'Stamps, labels and other art the size of a thumb'],
    ['Room 2', 'Icons before the screen: seals, marks, marginalia'],
    ['Room 3', 'Contact sheets: the picture before it was enlarged'],
    ['Room 4', 'Please touch: a table of loupes and lenses'],
  ]
  const lines = programme.map(
    ([room, text], index) =>
      `<text x='28' y='${496 + index * 15}' ${SANS} font-size='9.5' font-weight='700' fill='#f4b860'>${room}</text>
       <text x='72' y='${496 + index * 15}' ${SANS} font-size='9.5' fill='#fdf3e3'>${text}</text>`,
  )
  return {
    width: 400,
    height: 600,
    svg: sized(
      400,
      600,
      `<rect width='400' height='600' fill='#1d2b53'/>
      ${discs.join('')}
      <path d='M150 186a92 92 0 0 1 92 92h-92z' fill='#1d2b53' opacity='.85'/>
      ${rings.join('')}${hatch.join('')}
      <text x='26' y='74' ${SANS} font-size='47' font-weight='800' letter-spacing='-2' fill='#fdf3e3'>Small is</text>
      <text x='26' y='118' ${SANS} font-size='47' font-weight='800' letter-spacing='-2' fill='#f4b860'>enough.</text>
      <text x='28' y='143' ${SANS} font-size='11' fill='#c9d1ee'>An exhibition of very little pictures</text>
      <path d='M28 432H372' stroke='#fdf3e3' stroke-width='1'/>
      <text x='28' y='458' ${SANS} font-size='14' font-weight='700' fill='#fdf3e3'>Every day from ten to six, late on Fridays</text>
      <text x='28' y='475' ${SANS} font-size='10.5' fill='#c9d1ee'>Ground floor, behind the cloakroom. Bring your reading glasses.</text>
      ${lines.join('')}
      <path d='M28 556H372' stroke='#fdf3e3' stroke-width='1' opacity='.4'/>
      <text x='28' y='574' ${SANS} font-size='8' fill='#c9d1ee'>Type on this poster is set in 47, 14, 11, 10.5, 9.5 and 8 pixels, so that there is something</text>
      <text x='28' y='586' ${SANS} font-size='8' fill='#c9d1ee'>to look at closely. Neither the exhibition nor the cloakroom exists.</text>`,
    ),
  }
}

/** A pattern that repeats without a seam. */
export function terrazzo() {
  const size = 160
  const colours = ['#e4572e', '#f4b860', '#17bebb', '#1d2b53', '#8b7bff', '#94a3b8']
  const chips = Array.from({ length: 64 }, (_, index) => {
    const radius = 2.5 + 9 * hash(index, 1, 7) ** 2
    const corners = 5 + Math.floor(3 * hash(index, 2, 7))
    const points = Array.from({ length: corners }, (_, corner) => {
      const angle = ((corner + 0.7 * hash(index, corner, 9)) / corners) * 2 * Math.PI
      return `${(radius * Math.cos(angle)).toFixed(1)},${(radius * Math.sin(angle)).toFixed(1)}`
    })
    const [x, y] = [hash(index, 3, 7) * size, hash(index, 4, 7) * size]
    const copies = [-size, 0, size].flatMap(dx => [-size, 0, size].map(dy => [x + dx, y + dy]))
    const shape = `<polygon points='${points.join(' ')}' fill='${colours[index % colours.length]}'`
    return copies
      .map(([cx, cy]) => `${shape} transform='translate(${cx.toFixed(1)} ${cy.toFixed(1)})'/>`)
      .join('')
  })
  return {
    width: size,
    height: size,
    svg: sized(size, size, `<rect width='${size}' height='${size}' fill='#f8f3e8'/>${chips.join('')}`),
  }
}

/** The resampling kernels that images are usually enlarged with: thin lines and small labels. */
export function chart() {
  const width = 400
  const height = 260
  const x = t => 40 + ((t + 3) / 6) * 340
  const y = value => 196 - value * 136
  const sinc = t => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t))
  const kernels = [
    ['Nearest', '#94a3b8', t => (Math.abs(t) <= 0.5 ? 1 : 0)],
    ['Linear', '#f59e0b', t => Math.max(0, 1 - Math.abs(t))],
    ['Cubic', '#10b981', cubic],
    ['Lanczos 3', '#6d5df6', t => (Math.abs(t) < 3 ? sinc(t) * sinc(t / 3) : 0)],
  ]
  const curves = kernels.map(([, colour, kernel]) => {
    const points = Array.from({ length: 601 }, (_, index) => -3 + index / 100)
    const path = points.map((t, index) => `${index ? 'L' : 'M'}${x(t).toFixed(2)} ${y(kernel(t)).toFixed(2)}`)
    return `<path d='${path.join('')}' fill='none' stroke='${colour}' stroke-width='1.6' stroke-linejoin='round'/>`
  })
  const across = [-3, -2, -1, 0, 1, 2, 3].map(
    t => `<path d='M${x(t)} 44V214' stroke='#e2e8f0'/>
      <text x='${x(t)}' y='229' text-anchor='middle' ${SANS} font-size='9' fill='#64748b'>${t}</text>`,
  )
  const up = [0, 0.25, 0.5, 0.75, 1].map(
    value => `<path d='M40 ${y(value)}H380' stroke='${value === 0 ? '#94a3b8' : '#e2e8f0'}'/>
      <text x='34' y='${y(value) + 3}' text-anchor='end' ${SANS} font-size='9' fill='#64748b'>${value}</text>`,
  )
  const legend = kernels.map(
    ([name, colour], index) => `<path d='M${40 + index * 86} 246h14' stroke='${colour}' stroke-width='2.4'/>
      <text x='${59 + index * 86}' y='249.5' ${SANS} font-size='10' fill='#334155'>${name}</text>`,
  )
  const body = `<rect width='${width}' height='${height}' fill='#fff'/>
    <text x='20' y='24' ${SANS} font-size='13' font-weight='700' fill='#0f172a'>How much a neighbour counts</text>
    <text x='20' y='37' ${SANS} font-size='9' fill='#64748b'>Weight of a source pixel by its distance, for four ways to enlarge an image</text>
    ${across.join('')}${up.join('')}${curves.join('')}${legend.join('')}`
  return { width, height, svg: sized(width, height, body) }
}

/** The Catmull-Rom kernel. */
function cubic(t) {
  const a = Math.abs(t)
  if (a < 1) return 1.5 * a ** 3 - 2.5 * a ** 2 + 1
  return a < 2 ? -0.5 * a ** 3 + 2.5 * a ** 2 - 4 * a + 2 : 0
}

/** An editor window with this plugin's configuration in it. */
export function editor() {
  const [plain, word, text, note, name] = ['#d6deeb', '#c792ea', '#ecc48d', '#7c8ba1', '#82aaff']
  const code = [
    [
      [word, 'import'],
      [plain, ' { defineConfig } '],
      [word, 'from'],
      [text, " 'vite'"],
    ],
    [
      [word, 'import'],
      [plain, ' upscale '],
      [word, 'from'],
      [text, " 'unplugin-upscale/vite'"],
    ],
    [],
    [
      [word, 'export default'],
      [name, ' defineConfig'],
      [plain, '({'],
    ],
    [
      [plain, '  plugins: ['],
      [name, 'upscale'],
      [plain, '()],'],
    ],
    [[plain, '})']],
    [],
    [[note, '// main.js']],
    [
      [word, 'import'],
      [plain, ' lake '],
      [word, 'from'],
      [text, " './lake.jpg?upscale=2'"],
    ],
    [
      [plain, 'document.'],
      [name, 'querySelector'],
      [plain, '('],
      [text, "'img'"],
      [plain, ').src = lake'],
    ],
  ]
  const rows = code.map((parts, row) => {
    const spans = parts.map(
      ([colour, piece]) => `<tspan fill='${colour}'>${piece.replaceAll('&', '&amp;')}</tspan>`,
    )
    return `<text x='138' y='${60 + row * 17}' text-anchor='end' ${MONO} font-size='9' fill='#46566e'>${row + 1}</text>
      <text x='150' y='${60 + row * 17}' xml:space='preserve' ${MONO} font-size='10.5'>${spans.join('')}</text>`
  })
  const files = [
    'dist',
    'node_modules',
    'src',
    '  lake.jpg',
    '  main.js',
    '  style.css',
    'index.html',
    'package.json',
    'vite.config.js',
  ]
  const tree = files.map((file, row) => {
    const indent = file.startsWith('  ') ? 12 : 0
    const current = file === 'vite.config.js'
    const bar = current
      ? `<rect x='6' y='${54 + row * 16}' width='108' height='16' rx='3' fill='#1d3b53'/>`
      : ''
    return `${bar}<text x='${14 + indent}' y='${65 + row * 16}' ${SANS} font-size='9.5' fill='${current ? '#fff' : '#8fa3bf'}'>${file.trim()}</text>`
  })
  const body = `<rect width='480' height='260' fill='#011627'/><rect width='480' height='30' fill='#0b2942'/>
    <circle cx='16' cy='15' r='4.5' fill='#ff5f57'/><circle cx='31' cy='15' r='4.5' fill='#febc2e'/><circle cx='46' cy='15' r='4.5' fill='#28c840'/>
    <rect x='120' y='6' width='112' height='24' rx='4' fill='#011627'/>
    <text x='132' y='21.5' ${SANS} font-size='10' fill='#d6deeb'>vite.config.js</text><text x='216' y='21.5' ${SANS} font-size='10' fill='#7c8ba1'>×</text>
    <text x='250' y='21.5' ${SANS} font-size='10' fill='#7c8ba1'>main.js</text>
    <rect y='30' width='120' height='212' fill='#01111d'/><text x='14' y='46' ${SANS} font-size='8' font-weight='600' letter-spacing='.8' fill='#5f7e97'>EXPLORER</text>
    ${tree.join('')}${rows.join('')}
    <rect y='242' width='480' height='18' fill='#5b4fd6'/><text x='10' y='254' ${SANS} font-size='9' fill='#fff'>main</text>
    <text x='470' y='254' text-anchor='end' ${SANS} font-size='9' fill='#fff'>Ln 5, Col 23   Spaces: 2   UTF-8   JavaScript</text>`
  return { width: 480, height: 260, svg: sized(480, 260, body) }
}

/** A walker's map: contour lines, a path, a lake, small names. */
export function map() {
  const width = 360
  const height = 240
  const groundAt = (x, y) =>
    layers(x / 88 + 3.1, y / 88 + 7.4, 201, 4) +
    0.16 * Math.exp(-(((x - 250) / 70) ** 2) - ((y - 80) / 60) ** 2)
  const lines = []
  for (let level = 0.3; level < 0.95; level += 0.04) {
    const strong = Math.round(level * 25) % 4 === 0
    lines.push(
      `<path d='${contour(groundAt, width, height, level)}' fill='none' stroke='#b98b5e' stroke-width='${strong ? 1.1 : 0.6}' opacity='${strong ? 0.95 : 0.8}'/>`,
    )
  }
  const cells = []
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const ground = groundAt(x + 1, y + 1)
      const wood = layers(x / 46, y / 46, 231, 3)
      const fill = ground < 0.385 ? '#a9d3ea' : wood > 0.55 && ground < 0.66 ? '#cfe3bd' : undefined
      if (fill) cells.push(`<rect x='${x}' y='${y}' width='2.2' height='2.2' fill='${fill}'/>`)
    }
  }
  const peaks = [
    [252, 84, 'High Pixel', '1536'],
    [92, 60, 'Nearest Hill', '768'],
    [150, 186, 'Alpha Top', '1024'],
  ]
  const names = peaks.map(
    ([x, y, label, metres]) => `<path d='M${x} ${y - 5}l4.5 8h-9z' fill='#4b3621'/>
      <text x='${x + 8}' y='${y}' ${SANS} font-size='10' font-weight='600' fill='#2d2216' stroke='#f6f1e4' stroke-width='2.4' paint-order='stroke'>${label}</text>
      <text x='${x + 8}' y='${y + 10}' ${SANS} font-size='8' fill='#5b4630' stroke='#f6f1e4' stroke-width='2' paint-order='stroke'>${metres} m</text>`,
  )
  const body = `<rect width='${width}' height='${height}' fill='#f6f1e4'/>${cells.join('')}${lines.join('')}
    <path d='M-4 216C24 214 96 216 128 178S150 120 196 134s48-40 76-34 48 24 94 -2' fill='none' stroke='#fff' stroke-width='4'/>
    <path d='M-4 216C24 214 96 216 128 178S150 120 196 134s48-40 76-34 48 24 94 -2' fill='none' stroke='#d1495b' stroke-width='1.8' stroke-dasharray='6 3'/>
    ${names.join('')}
    <g transform='translate(284 226)'><rect width='64' height='4' fill='#2d2216'/><rect x='32' width='32' height='4' fill='#f6f1e4' stroke='#2d2216' stroke-width='.8'/>
    <text y='-3' ${SANS} font-size='8' fill='#2d2216'>0</text><text x='64' y='-3' text-anchor='middle' ${SANS} font-size='8' fill='#2d2216'>1 km</text></g>`
  return { width, height, svg: sized(width, height, body) }
}

/** The line of one height through a landscape, by marching squares, as an SVG path. */
function contour(heightAt, width, height, level) {
  const cell = 3
  const path = []
  for (let y = 0; y < height; y += cell) {
    for (let x = 0; x < width; x += cell) {
      const corners = [
        [x, y],
        [x + cell, y],
        [x + cell, y + cell],
        [x, y + cell],
      ]
      const heights = corners.map(([cx, cy]) => heightAt(cx, cy) - level)
      const crossings = []
      for (let side = 0; side < 4; side++) {
        const next = (side + 1) % 4
        if (heights[side] > 0 === heights[next] > 0) continue
        const t = heights[side] / (heights[side] - heights[next])
        crossings.push(
          corners[side]
            .map((value, axis) => (value + (corners[next][axis] - value) * t).toFixed(1))
            .join(' '),
        )
      }
      for (let pair = 0; pair + 1 < crossings.length; pair += 2)
        path.push(`M${crossings[pair]}L${crossings[pair + 1]}`)
    }
  }
  return path.join('')
}

function sized(width, height, body) {
  return `<svg xmlns='http://www.w3.org/2000/svg' width='${width}' height='${height}' viewBox='0 0 ${width} ${height}'>${body}</svg>`
}
