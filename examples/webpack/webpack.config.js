import HtmlPlugin from 'html-webpack-plugin'
import CssPlugin from 'mini-css-extract-plugin'
import upscale from 'unplugin-upscale/webpack'

export default {
  mode: 'production',
  entry: './src/main.js',
  output: { clean: true, assetModuleFilename: '[name]-[contenthash:8][ext]' },
  module: {
    rules: [
      { test: /\.css$/, use: [CssPlugin.loader, 'css-loader'] },
      { test: /\.html$/, use: 'html-loader' },
      { test: /\.(?:png|jpe?g|webp)$/, type: 'asset/resource' },
    ],
  },
  plugins: [new HtmlPlugin({ template: './src/index.html' }), new CssPlugin(), upscale()],
}
