import { UpscaleError } from '../../errors.ts'
import type { DriverHost, StoreDriver } from './driver.ts'
import type { Authorise } from './http.ts'
import { loadPackage } from './packages.ts'

/** Options of the driver `s3`, what is left out is taken from the environment. */
export interface S3Options {
  readonly bucket?: string
  /** @default AWS_REGION, else AWS_DEFAULT_REGION, else 'us-east-1' */
  readonly region?: string
  /** The service's address. @default AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL, else that of Amazon in the region */
  readonly endpoint?: string
  /** @default AWS_ACCESS_KEY_ID */
  readonly accessKeyId?: string
  /** @default AWS_SECRET_ACCESS_KEY */
  readonly secretAccessKey?: string
  /** @default AWS_SESSION_TOKEN */
  readonly sessionToken?: string
}

/** Where the bucket is. */
export function bucketAddress(options: S3Options, env: DriverHost['env']): URL {
  const endpoint =
    options.endpoint ||
    env.AWS_ENDPOINT_URL_S3 ||
    env.AWS_ENDPOINT_URL ||
    `https://s3.${regionOf(options, env)}.amazonaws.com`
  return new URL(`${endpoint.replace(/\/+$/, '')}/${options.bucket ?? ''}`)
}

/** Values from the environment that no message may contain. */
export function s3Secrets(env: DriverHost['env']): string[] {
  return [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN].filter(
    value => value !== undefined,
  )
}

/** aws4fetch signs, core's own client sends. */
export async function s3Driver(options: S3Options, host: DriverHost): Promise<StoreDriver> {
  const { env } = host
  const accessKeyId = options.accessKeyId || env.AWS_ACCESS_KEY_ID
  const secretAccessKey = options.secretAccessKey || env.AWS_SECRET_ACCESS_KEY
  const sessionToken = options.sessionToken || env.AWS_SESSION_TOKEN
  if (!accessKeyId || !secretAccessKey) {
    throw new UpscaleError('KEY_MISSING', 'there are no credentials for it', {
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    })
  }
  const { AwsV4Signer } = (await loadPackage('aws4fetch', host.root)) as typeof import('aws4fetch')
  const keys = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
  const scope = { service: 's3', region: regionOf(options, env) }
  const authorise: Authorise = async ({ method, url, now }) => {
    const datetime = now.toISOString().replace(/[:-]|\.\d{3}/g, '')
    const signed = await new AwsV4Signer({ method, url: url.href, datetime, ...keys, ...scope }).sign()
    return Object.fromEntries(signed.headers)
  }
  const { webDriver } = await import('./http.ts')
  return webDriver(bucketAddress(options, env), authorise, host)
}

function regionOf({ region }: S3Options, env: DriverHost['env']): string {
  return region || env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1'
}
