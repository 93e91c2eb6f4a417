import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { readFileOfLimitSync, replaceFileSync } from '../cache/disk.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { describeSelf, isOwner, judgeOwner } from '../cache/lock/lock-owner.ts'
import type { EngineParams } from '../engines/engine.ts'
import { parseJson } from '../engines/http/json.ts'
import type { PixelImage } from '../image/pixel-image.ts'
import type { Asked, SourceGrid } from '../image/verify-answer.ts'
import { safeText } from '../safe-text.ts'
import { integer, numberAbove, record, text } from '../validate.ts'
import { UNSHARED, unsharedFolder } from './list-unshared.ts'
import type { EngineOrder, Purchase } from './order.ts'

// What is paid for on this machine and not in the remote cache yet.
//
//   <root>/tmp/<key>.unshared    JSON: who buys it, of which engine, and what its answer must show
//
// It is written before the call is noted and goes once the store has the answer, so whoever uses this folder after a
// process that died finds what is to be handed on, by one look at one folder. It holds all that an answer is checked by,
// in 32 × 32 cells of the source, so that the source need not be asked for again. Without it nothing is lost: the answer is
// found when its picture is asked for here. So it is not synced, and what can't be written or read is done without. A
// sweep leaves it alone.

const VERSION = 1

/** This process, or thread. */
const SELF = randomUUID()

/** The cells of a source, in base64, and what else there is: some 5 kB. */
const MAX_NOTE_BYTES = 64 * 1024

/** A purchase whose answer other machines don't have. */
export interface Unshared {
  /** When its call was noted, ISO 8601. */
  readonly at: string
  /** True where this process noted it. */
  readonly isOwn: boolean
  readonly engineName: string
  /** Of the engine. */
  readonly id: string
  readonly model: string
  readonly scale: number
  readonly params: EngineParams
  /** What was sent, but for the picture. */
  readonly order: Omit<EngineOrder, 'png'>
}

/** Notes an answer that is about to be bought, where it will go to a remote cache. Never throws. */
export function noteUnshared({ request, order, store, context }: Purchase, at: string): void {
  if (!context.isSharing || request.engine.billing !== 'paid') return
  const { engineName, engine, scale, params } = request
  const { png: _sent, answerKey, asked, ...about } = order
  const { source, ...size } = asked
  const { data, ...grid } = source.colour
  const cells = { ...grid, data: Buffer.from(data).toString('base64') }
  const note = {
    unshared: VERSION,
    at,
    owner: { ...describeSelf(), id: SELF },
    engineName,
    id: engine.id,
    model: engine.model,
    scale,
    params,
    order: { ...about, asked: { ...size, source: { width: source.width, height: source.height, cells } } },
  }
  try {
    replaceFileSync(fileOf(store, answerKey), JSON.stringify(note))
  } catch {
    // Handed on when its picture is asked for.
  }
}

/** What is noted under a key; `busy` while another process that runs is to see to it. Total: what can't be understood is undefined. */
export function readUnshared(store: Pick<Cache, 'root'>, key: AnswerKey): Unshared | 'busy' | undefined {
  let note: unknown
  try {
    note = parseJson(readFileOfLimitSync(fileOf(store, key), MAX_NOTE_BYTES).toString())
  } catch {
    return undefined
  }
  if (!record.accepts(note) || note.unshared !== VERSION) return undefined
  const { at, owner, engineName, id, model, scale, params, order } = note
  const isOwn = record.accepts(owner) && owner.id === SELF
  if (!isOwn && isBusy(owner)) return 'busy'
  const read = readOrder(key, order)
  const isSound =
    NAMED.accepts(at) &&
    NAMED.accepts(engineName) &&
    NAMED.accepts(id) &&
    NAMED.accepts(model) &&
    SCALE.accepts(scale) &&
    isParams(params)
  return isSound && read !== undefined
    ? { at, isOwn, engineName, id, model, scale, params, order: read }
    : undefined
}

/** The answer is shared, or there is none. Never throws. */
export function forgetUnshared(store: Pick<Cache, 'root'>, key: AnswerKey): void {
  try {
    rmSync(fileOf(store, key), { force: true })
  } catch {
    // It does no harm where it is.
  }
}

function fileOf({ root }: Pick<Cache, 'root'>, key: AnswerKey): string {
  return join(unsharedFolder(root), `${key}${UNSHARED}`)
}

/** True for another process of this machine that runs. */
function isBusy(owner: unknown): boolean {
  const self = describeSelf()
  return isOwner(owner) && owner.pid !== self.pid && judgeOwner(owner, self) === 'alive'
}

const NAMED = text(1000)
const SCALE = numberAbove(0, 64)
const SIDE = integer(1, 2 ** 24)
const CELLS = integer(1, 32)

function readOrder(answerKey: AnswerKey, order: unknown): Unshared['order'] | undefined {
  if (!record.accepts(order)) return undefined
  const { name, source, width, height } = order
  const asked = readAsked(order.asked)
  const isSound = NAMED.accepts(name) && NAMED.accepts(source) && SIDE.accepts(width) && SIDE.accepts(height)
  if (!isSound || asked === undefined) return undefined
  return { answerKey, name: safeText(name), source: safeText(source), width, height, asked }
}

function readAsked(asked: unknown): Asked | undefined {
  if (!record.accepts(asked) || !record.accepts(asked.source)) return undefined
  const { width, height, scale } = asked
  const source = readGrid(asked.source)
  const isSound = SIDE.accepts(width) && SIDE.accepts(height) && SCALE.accepts(scale)
  return isSound && source !== undefined ? { width, height, scale, source } : undefined
}

function readGrid({ width, height, cells }: Readonly<Record<string, unknown>>): SourceGrid | undefined {
  const colour = readCells(cells)
  const isSound = SIDE.accepts(width) && SIDE.accepts(height)
  return isSound && colour !== undefined ? { width, height, colour } : undefined
}

function readCells(cells: unknown): PixelImage | undefined {
  if (!record.accepts(cells) || typeof cells.data !== 'string') return undefined
  const { width, height, channels } = cells
  const data = Buffer.from(cells.data, 'base64')
  const isSound = CELLS.accepts(width) && CELLS.accepts(height) && (channels === 1 || channels === 3)
  return isSound && data.length === width * height * channels ? { data, width, height, channels } : undefined
}

function isParams(params: unknown): params is EngineParams {
  return (
    record.accepts(params) &&
    Object.values(params).every(value => ['string', 'number', 'boolean'].includes(typeof value))
  )
}
