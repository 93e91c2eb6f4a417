import upscale from 'unplugin-upscale/bun'

await Bun.build({ entrypoints: ['src/index.html'], outdir: 'dist', plugins: [upscale()] })
