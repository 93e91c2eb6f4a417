import upscale from 'unplugin-upscale/webpack'

/** @type {import('next').NextConfig} */
export default {
  webpack(config) {
    config.plugins.push(upscale())
    return config
  },
}
