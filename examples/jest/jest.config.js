module.exports = {
  resolver: 'unplugin-upscale/jest',
  testPathIgnorePatterns: ['/node_modules/', '/modules/'],
}
