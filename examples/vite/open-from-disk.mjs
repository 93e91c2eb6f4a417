/**
 * A Vite plugin that makes the built page open with a double click. Browsers do not load module scripts or
 * cross-origin styles from `file://`, so the one script goes into the page. A site on a server needs none of this.
 */
export function openFromDisk() {
  return {
    name: 'open-from-disk',
    config: () => ({
      base: './',
      // Everything in one folder, one script: its relative addresses stay right when it moves into the page.
      build: { assetsDir: '', modulePreload: false, rolldownOptions: { output: { codeSplitting: false } } },
    }),
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const page = bundle['index.html']
        page.source = String(page.source)
          .replace(/<script type="module" crossorigin src="\.\/([^"]+)"><\/script>/, (_tag, file) => {
            const { code } = bundle[file]
            delete bundle[file]
            return `<script type="module">${code.replaceAll('</script', '<\\/script')}</script>`
          })
          .replace('<link rel="stylesheet" crossorigin', '<link rel="stylesheet"')
      },
    },
  }
}
