export const config = { dir: { input: 'src', output: '_site' } }

export default function eleventy(config) {
  config.addPassthroughCopy('src/pictures')
  config.addPassthroughCopy('src/style.css')
}
