// Loaded before the code under test (`node --import`): kills its process at one moment of the first purchase, named by
// DIE_AT: when the last byte of a `response` was read, when the answer was `received`, or when it was filed (`answers`).

import { subscribe } from 'node:diagnostics_channel'
import { promises } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { DIE_AT } = process.env

function die() {
  process.kill(process.pid, 'SIGKILL')
  // The signal is delivered at the return to this process at the latest; nothing below may run.
  for (;;);
}

subscribe('undici:request:trailers', ({ request }) => {
  if (DIE_AT === 'response' && /idempotency-key/i.test(String(request.headers))) die()
})

const { rename } = promises
promises.rename = async (from, to) => {
  await rename(from, to)
  if (String(to).includes(`/v1/${DIE_AT}/`)) die()
}
syncBuiltinESMExports()
