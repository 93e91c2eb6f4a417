// A design and typography set: pages drawn by a browser at 1x (the input) and at 2x, 3x or 4x (the truth). The fonts
// are handed in as a folder and must not be among those of the training recipe.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { findBrowser } from './browser.mjs'

const SIZE = 360
const SENTENCES = [
  'The quick brown fox jumps over the lazy dog near the riverbank.',
  'Invoices are due within thirty days of the date of delivery.',
  'A careful designer leaves room for letters to breathe between lines.',
  'Sphinx of black quartz, judge my vow, said the patient archivist.',
  'Every window in the old library faced a small and quiet garden.',
  'Prices include tax; shipping is calculated at the next step.',
  'Twelve ships left the harbour before the morning fog had lifted.',
  'Grumpy wizards make a toxic brew for the jovial queen of hearts.',
]

/** Fonts by the words that must be in a file's name. */
const FONTS = ['Lato-Regular', 'Cabin-Regular', 'EBGaramond12-Regular', 'JetBrainsMono-Regular', 'Lato-Bold']

/**
 * Renders the set. Yields { name, kind, text?, input, truth }, both PNG; `logo` pictures have alpha.
 * @param fonts folder with the font files, searched through
 */
export async function* designSet(fonts, scale) {
  const faces = await fontFaces(fonts)
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: ['--font-render-hinting=none'],
  })
  try {
    for (const page of pages()) {
      const html = `<!doctype html><style>${faces}*{box-sizing:border-box}body{margin:0;width:${SIZE}px;height:${SIZE}px;
        overflow:hidden;${page.style ?? 'background:#fff;color:#111'}}</style>${page.body}`
      const shots = []
      for (const deviceScaleFactor of [1, scale]) {
        const tab = await browser.newPage({ viewport: { width: SIZE, height: SIZE }, deviceScaleFactor })
        await tab.goto('file:///')
        await tab.setContent(html)
        await tab.evaluate(() => globalThis.document.fonts.ready)
        shots.push(await tab.screenshot({ omitBackground: page.kind === 'logo' }))
        await tab.close()
      }
      yield { name: page.name, kind: page.kind, text: page.text, input: shots[0], truth: shots[1] }
    }
  } finally {
    await browser.close()
  }
}

async function fontFaces(folder) {
  const files = await readdir(folder, { recursive: true })
  return FONTS.map((name, index) => {
    const file = files.find(path => /\.(otf|ttf)$/.test(path) && path.includes(`${name}.`))
    if (file === undefined) throw new Error(`${folder} has no ${name}. Unpack its Debian package there.`)
    return `@font-face{font-family:f${index};src:url("${pathToFileURL(join(folder, file))}")}`
  }).join('')
}

function* pages() {
  for (const [index] of FONTS.entries()) {
    yield textPage('text', `text ${FONTS[index]}`, index, [7, 8, 9, 10, 12, 14])
    if (index < 4) yield textPage('tiny', `tiny ${FONTS[index]}`, index, [4.5, 5, 5.5, 6])
  }
  yield textPage('text', 'text on dark', 1, [8, 10, 12], 'background:#16202c;color:#e8eef4')
  yield { name: 'widgets', kind: 'ui', style: 'background:#f5f6f8;color:#223;font:11px f0', body: widgets() }
  yield { name: 'table', kind: 'ui', style: 'background:#fff;color:#234;font:9px f1', body: table() }
  yield { name: 'code', kind: 'ui', style: 'background:#1e1e2e;color:#cdd6f4;font:9px/1.4 f3', body: code() }
  yield { name: 'chart', kind: 'chart', style: 'background:#fff;font:9px f0', body: chart() }
  yield { name: 'lines', kind: 'art', style: 'background:#fffdf5', body: lineArt() }
  yield { name: 'matrix', kind: 'art', style: 'background:#fff', body: matrix() }
  yield {
    name: 'poster',
    kind: 'art',
    style: 'background:linear-gradient(150deg,#ff7e5f,#feb47b 60%,#6a3093);color:#fff;font:56px/1 f2',
    body: `<div style="padding:40px 24px">Summer<br>in the<br>city<p style="font:13px f0">Open air concerts, June to August</p></div>`,
  }
  for (const [name, body] of Object.entries(logos()))
    yield { name, kind: 'logo', style: 'background:transparent', body }
}

function textPage(kind, name, font, sizes, style) {
  const width = SIZE - 16
  const lines = []
  let y = 8
  for (let i = 0; y < SIZE - 24; i++) {
    const size = sizes[i % sizes.length]
    const words = SENTENCES[i % SENTENCES.length].split(' ')
    // As many words as surely fit: the text must be known for the reader's test.
    const most = Math.floor(width / (size * (font === 3 ? 0.62 : 0.52)))
    while (words.join(' ').length > most) words.pop()
    lines.push({ y, size, text: words.join(' ') })
    y += Math.ceil(size * 1.5)
  }
  const body = lines
    .map(
      line =>
        `<div style="position:absolute;white-space:nowrap;left:8px;top:${line.y}px;font:${line.size}px f${font}">${line.text}</div>`,
    )
    .join('')
  return { name, kind, style, body, text: lines.map(line => line.text).join('\n') }
}

function widgets() {
  const button = (label, colours, x, y) =>
    `<div style="position:absolute;left:${x}px;top:${y}px;padding:7px 14px;border-radius:6px;${colours}">${label}</div>`
  return `
    ${button('Save changes', 'background:#2563eb;color:#fff', 16, 16)}
    ${button('Cancel', 'border:1px solid #cbd5e1;background:#fff', 130, 16)}
    ${button('Delete', 'background:#dc2626;color:#fff', 210, 16)}
    <div style="position:absolute;left:16px;top:64px;width:328px;height:120px;background:#fff;border-radius:10px;
      box-shadow:0 2px 8px #0003;padding:14px"><b style="font:14px f4">Storage</b><br>12.4 GB of 20 GB used
      <div style="margin-top:12px;height:8px;border-radius:4px;background:#e2e8f0"><div style="width:62%;height:8px;
      border-radius:4px;background:#16a34a"></div></div></div>
    ${[0, 1, 2, 3, 4]
      .map(
        i => `<div style="position:absolute;left:${16 + i * 66}px;top:204px;width:56px;height:56px;
      border-radius:${i * 7}px;border:${i + 1}px solid hsl(${i * 70},70%,45%);background:hsl(${i * 70},70%,90%)"></div>`,
      )
      .join('')}
    ${[0, 1, 2]
      .map(
        i => `<div style="position:absolute;left:16px;top:${280 + i * 24}px"><span style="display:inline-block;
      width:12px;height:12px;border:1px solid #64748b;border-radius:${i === 1 ? 6 : 2}px;background:${i ? '#2563eb' : '#fff'}">
      </span> Option ${i + 1}: notify me by mail</div>`,
      )
      .join('')}`
}

function table() {
  const rows = Array.from({ length: 18 }, (_, i) => {
    const amount = ((i * 7919) % 100000) / 100
    return `<tr style="background:${i % 2 ? '#f1f5f9' : '#fff'}"><td>#${1000 + i * 37}</td><td>Customer ${i + 1}</td>
      <td>2026-0${(i % 9) + 1}-1${i % 10}</td><td style="text-align:right">${amount.toFixed(2)}</td></tr>`
  })
  return `<style>td,th{padding:3px 6px;border-bottom:1px solid #e2e8f0;text-align:left}</style>
    <table style="border-collapse:collapse;width:100%"><tr><th>No.<th>Name<th>Date<th>Amount</tr>${rows.join('')}</table>`
}

function code() {
  const line =
    i => `<span style="color:#6c7086">${String(i + 1).padStart(2)}</span> <span style="color:#cba6f7">const</span>
    value${i} = <span style="color:#89b4fa">compute</span>(<span style="color:#fab387">${i * 13}</span>, { deep: true })`
  return `<pre style="margin:8px;font:inherit">${Array.from({ length: 26 }, (_, i) => line(i).replace(/\n\s+/g, ' ')).join('\n')}</pre>`
}

function chart() {
  const points = Array.from({ length: 24 }, (_, i) => [
    30 + i * 13,
    150 - 60 * Math.sin(i / 3) - 30 * Math.cos(i),
  ])
  const bars = Array.from({ length: 12 }, (_, i) => 30 + ((i * 53) % 90))
  return `<svg width="${SIZE}" height="${SIZE}">
    ${[40, 80, 120, 160, 200].map(y => `<path d="M30 ${y}H345" stroke="#e5e7eb"/><text x="6" y="${y + 3}">${200 - y}</text>`).join('')}
    <path d="M${points.map(point => point.join(' ')).join('L')}" fill="none" stroke="#2563eb" stroke-width="1.5"/>
    ${points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2.2" fill="#fff" stroke="#2563eb"/>`).join('')}
    ${bars.map((h, i) => `<rect x="${32 + i * 26}" y="${345 - h}" width="17" height="${h}" fill="hsl(${i * 28},65%,55%)"/>`).join('')}
    </svg>`
}

function lineArt() {
  const rays = Array.from({ length: 60 }, (_, i) => {
    const angle = (i * Math.PI) / 30
    return `<path d="M100 100L${100 + 90 * Math.cos(angle)} ${100 + 90 * Math.sin(angle)}" stroke-width="0.7"/>`
  })
  const circles = Array.from(
    { length: 20 },
    (_, i) => `<circle cx="265" cy="95" r="${4 + i * 4}" stroke-width="${0.4 + i * 0.06}"/>`,
  )
  const waves = Array.from(
    { length: 12 },
    (_, k) =>
      `<path d="M10 ${215 + k * 11}${Array.from(
        { length: 34 },
        (_, i) => `L${10 + i * 10} ${215 + k * 11 + 5 * Math.sin(i / 2 + k)}`,
      ).join('')}" stroke-width="${0.5 + k * 0.15}"/>`,
  )
  return `<svg width="${SIZE}" height="${SIZE}" fill="none" stroke="#111">${rays.join('')}${circles.join('')}${waves.join('')}</svg>`
}

function matrix() {
  let state = 7
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 2 ** 31
  }
  const grid = (x0, y0, cells, size) =>
    Array.from({ length: cells * cells }, (_, i) =>
      random() < 0.5
        ? `<rect x="${x0 + (i % cells) * size}" y="${y0 + Math.floor(i / cells) * size}" width="${size}" height="${size}"/>`
        : '',
    ).join('')
  return `<svg width="${SIZE}" height="${SIZE}" shape-rendering="crispEdges">${grid(12, 12, 33, 4)}${grid(170, 12, 29, 6)}
    ${grid(12, 200, 50, 3)}${grid(190, 210, 70, 2)}</svg>`
}

function logos() {
  const svg = body => `<svg width="${SIZE}" height="${SIZE}" viewBox="0 0 180 180">${body}</svg>`
  return {
    'logo ring': svg(
      '<circle cx="90" cy="90" r="70" fill="none" stroke="#e11d48" stroke-width="22"/><path d="M60 92l22 22 44-50" fill="none" stroke="#0f172a" stroke-width="12"/>',
    ),
    'logo leaf': svg(
      '<path d="M90 12C150 40 160 120 90 168C20 120 30 40 90 12Z" fill="#16a34a"/><path d="M90 40V160M90 90L60 70M90 110L122 86" stroke="#fff" stroke-width="5" fill="none"/>',
    ),
    'logo type': `<div style="font:64px f4;color:#1d4ed8;padding:90px 20px">Nordic<span style="color:#f59e0b">.</span></div><div style="font:14px f0;color:#334155;padding:0 24px">weather instruments since 1931</div>`,
    'logo icons': svg(
      Array.from({ length: 16 }, (_, i) => {
        const [x, y, hue] = [(i % 4) * 44 + 8, Math.floor(i / 4) * 44 + 8, i * 22]
        const shapes = [
          `<path d="M${x} ${y + 14}l14-14 14 14v14h-28z" fill="hsl(${hue},70%,40%)"/>`,
          `<circle cx="${x + 14}" cy="${y + 14}" r="12" fill="none" stroke="hsl(${hue},70%,40%)" stroke-width="2"/>`,
          `<path d="M${x} ${y + 4}h28M${x} ${y + 14}h28M${x} ${y + 24}h28" stroke="hsl(${hue},70%,40%)" stroke-width="2.5"/>`,
          `<path d="M${x + 14} ${y}l4 10h10l-8 7 3 11-9-7-9 7 3-11-8-7h10z" fill="hsl(${hue},70%,40%)"/>`,
        ]
        return shapes[i % 4]
      }).join(''),
    ),
  }
}
