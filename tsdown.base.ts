import type { UserConfig } from 'tsdown'

/** How every package is built. */
export const base = {
  platform: 'node',
  target: 'node20.19',
  // What types say is in the declarations; in the code it would be read at each start.
  outputOptions: { comments: { jsdoc: false } },
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
} as const satisfies UserConfig
