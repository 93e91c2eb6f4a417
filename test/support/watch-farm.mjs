/*
 * Watches a site with Farm, which gives nothing to end that with, so this is a process of its own:
 *
 *     node watch-farm.mjs <root>
 */
import { join } from 'node:path'
import { watch } from '@farmfe/core'
import upscale from 'unplugin-upscale/farm'

const root = process.argv[2]
await watch({
  root,
  configFile: false,
  compilation: {
    input: { index: './index.html' },
    output: { path: join(root, 'dist'), publicPath: '/' },
    persistentCache: false,
    presetEnv: false,
    progress: false,
    sourcemap: false,
  },
  plugins: [upscale({ root, engine: 'resize' })],
})
