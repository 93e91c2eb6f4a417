import upscale from 'unplugin-upscale/next'

const withUpscale = upscale()

/** @type {import('next').NextConfig} */
export default withUpscale({
  reactStrictMode: true,
})
