export default {
  rootDir: '..',
  roots: ['<rootDir>/modules'],
  resolver: 'unplugin-upscale/jest',
  transform: { '\\.(?:png|jpe?g|webp|avif|gif)$': 'unplugin-upscale/jest' },
}
