import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

// Real servers for the tests of what machines share, each on a free port of 127.0.0.1 with a folder of its own. Debian
// has them in the packages `redis-server` and `nginx-light`.

const PLACES = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin']

/** Where a server's program is; undefined when it is not installed. */
export function findServer(name: 'redis-server' | 'nginx'): string | undefined {
  return PLACES.map(place => join(place, name)).find(path => existsSync(path))
}

/** True where tests may be left out for want of a server: never in CI, whose machine installs it. */
export function lacks(name: 'redis-server' | 'nginx'): boolean {
  if (findServer(name) !== undefined || process.env.CI !== undefined) return false
  process.stderr.write(`No ${name} found: tests that need one are skipped. Install it to run them.\n`)
  return true
}

export interface RunningServer {
  /** Where it listens; without credentials. */
  readonly url: string
  /** Its folder. */
  readonly folder: string
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Ends it, and starts it again on what it left on the disk. @param signal - SIGTERM lets it put its things in order */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Freezes it: connections are taken, nothing is answered. */
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

/**
 * @param password - that of every client
 * @param more - further lines of its configuration
 */
export async function startRedis(password?: string, more: readonly string[] = []): Promise<RunningServer> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'upscale-redis-'))
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'save ""', 'appendonly no', ...more]
  if (password !== undefined) lines.push(`requirepass ${password}`)
  await writeFile(join(folder, 'redis.conf'), `${lines.join('\n')}\n`)
  return launch('redis-server', [join(folder, 'redis.conf')], `redis://127.0.0.1:${port}`, folder, port)
}

/** A store over WebDAV. @param user - the only one who may do anything: `name:password` */
export async function startNginx(user?: string): Promise<RunningServer> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'upscale-nginx-'))
  await Promise.all(['store', 'body', 'tmp'].map(name => mkdir(join(folder, name))))
  const [name, password] = user?.split(':') ?? []
  if (user !== undefined) await writeFile(join(folder, 'users'), `${name}:{PLAIN}${password}\n`)
  const temporaries = ['proxy', 'fastcgi', 'uwsgi', 'scgi'].map(one => `${one}_temp_path ${folder}/tmp;`)
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors;
events {}
http {
  access_log off; client_body_temp_path ${folder}/body; ${temporaries.join(' ')}
  server {
    listen 127.0.0.1:${port};
    root ${folder}/store;
    client_max_body_size 0;
    dav_methods PUT DELETE MKCOL;
    create_full_put_path on;
    ${user === undefined ? '' : `auth_basic cache; auth_basic_user_file ${folder}/users;`}
  }
}
`,
  )
  const args = ['-p', folder, '-e', join(folder, 'errors'), '-c', join(folder, 'nginx.conf')]
  return launch('nginx', args, `http://127.0.0.1:${port}`, folder, port)
}

async function launch(
  program: 'redis-server' | 'nginx',
  args: readonly string[],
  url: string,
  folder: string,
  port: number,
): Promise<RunningServer> {
  const path = findServer(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  let child = spawn(path, args, { stdio: 'ignore' })
  await untilOpen(port, child)
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
    const end = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill(signal)
    return end
  }
  return {
    url,
    folder,
    kill: () => kill(),
    async restart(signal) {
      await kill(signal)
      child = spawn(path, args, { stdio: 'ignore' })
      await untilOpen(port, child)
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async close() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    if (await isOpen(port)) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port}`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error()),
      )
    })
  })
}
