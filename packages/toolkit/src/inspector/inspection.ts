import { statSync } from 'node:fs'
import { relative } from 'node:path'
import pLimit from 'p-limit'
import {
  type ExaminedImage,
  isUpscaleError,
  type UpscaleError,
  type UpscaleRequest,
  type Upscaler,
} from 'upscale-core'
import { readLedger } from 'upscale-core/internal'
import { type AccountOrder, ordersOf } from 'upscale-core/internal/upkeep'
import {
  type Gathered,
  gatherPictures,
  type RuledPictures,
  type WantedPicture,
} from '../references/sources.ts'
import { idOf, messageOf, type ShownPicture, type ShownPlace, settingsOf } from './picture.ts'

/** What looks at pictures without making any. */
export type UpscalerView = Pick<Upscaler, 'options' | 'parse' | 'examine'>

/** A picture that a bundler met, wherever its reference stood. */
export interface SeenPicture {
  /** The source, absolute. */
  readonly file: string
  readonly request: UpscaleRequest
  /** As it was written, or asked for. */
  readonly reference: string
  readonly place: ShownPlace
  /** True while it is made, or waits for it. */
  readonly isWorking: boolean
  /** Why it was not made the last time. */
  readonly error?: UpscaleError
  /** Grows with every change of the two above. */
  readonly changes: number
}

export interface InspectionOptions {
  readonly view: UpscalerView
  /** The sources of the project, absolute. Called again when {@link Inspection.forgetSources} was. */
  sources(): AsyncIterable<string>
  /** The file that a path means, where a bundler can tell. */
  resolve?(path: string, source: string): Promise<string | undefined>
  /** What a bundler met so far. */
  seenPictures(): Iterable<SeenPicture>
  /** The name of a source, for people. @default relative to the project */
  nameOf?(source: string): string
  /** Rules for the images of pages. */
  readonly ruled?: RuledPictures
}

/** A picture and what is wanted of it; `wanted` is missing for a reference that is wrong. */
export interface InspectedPicture {
  readonly shown: ShownPicture
  readonly wanted?: Pick<WantedPicture, 'file' | 'request'>
}

/** A look at the pictures of a project that is kept up to date. */
export interface Inspection {
  /** As of the last look, by name, and then the references that lead nowhere; those that were not looked at yet are in the state `looking`. */
  pictures(): readonly InspectedPicture[]
  /** All that was ever paid, as the ledger says, in millionths of a US dollar. */
  readonly paidMicros: number
  /** Grows whenever one of the two above may have changed. */
  readonly revision: number
  /** Looks for changes. Settles when everything was looked at; work under way counts as looked at. */
  look(): Promise<void>
  /** Has the next look search the sources again. */
  forgetSources(): void
  /** Has the next look examine every picture again, whether or not it seems to have changed. */
  forgetPictures(): void
}

/** Pictures that are examined at a time. One that isn't finished is decoded for it. */
const EXAMINED_AT_A_TIME = 4

interface Subject {
  readonly id: string
  readonly file: string
  readonly request: UpscaleRequest
  readonly places: readonly ShownPlace[]
  readonly seenPicture: SeenPicture | undefined
}

interface Finding {
  readonly stamp: string
  /** How often a bundler had told something new of the picture. */
  readonly changes: number
  readonly examined?: ExaminedImage
  readonly error?: UpscaleError
}

/** Looks at nothing before the first {@link Inspection.look}. */
export function createInspection(options: InspectionOptions): Inspection {
  const { view } = options
  const { root } = view.options
  const nameOf = options.nameOf ?? ((source: string) => relative(root, source).replaceAll('\\', '/'))
  const limit = pLimit(EXAMINED_AT_A_TIME)
  const findings = new Map<string, Finding>()
  let gathered: Gathered = { wanted: [], wrong: [] }
  let isGathered = false
  let orders: readonly AccountOrder[] = []
  let epoch = 0
  let revision = 0
  let looking: Promise<void> | undefined
  let next: Promise<void> | undefined

  function subjects(): Subject[] {
    const byId = new Map<string, Subject>()
    for (const { file, request, places } of gathered.wanted) {
      const id = idOf(file, request)
      byId.set(id, { id, file, request, places: places.map(shownPlace), seenPicture: undefined })
    }
    for (const seenPicture of options.seenPictures()) {
      const { file, request, place } = seenPicture
      const id = idOf(file, request)
      const known = byId.get(id)?.places ?? []
      // A bundler often doesn't tell who asks; the sources then say it better.
      const isNews = known.length === 0 || known.every(({ name, line }) => line && name !== place.name)
      const places = known.length === 0 || (isNews && place.line !== undefined) ? [...known, place] : known
      byId.set(id, { id, file, request, places, seenPicture: both(byId.get(id)?.seenPicture, seenPicture) })
    }
    return [...byId.values()]
  }

  function stampOf({ file, seenPicture }: Subject): string {
    const stat = statSync(file, { throwIfNoEntry: false })
    return `${epoch} ${seenPicture?.changes ?? 0} ${stat?.mtimeMs} ${stat?.size}`
  }

  async function examine(subject: Subject, stamp: string): Promise<void> {
    const { id, file, request } = subject
    const changes = subject.seenPicture?.changes ?? 0
    try {
      findings.set(id, { stamp, changes, examined: await view.examine(file, request) })
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      findings.set(id, { stamp, changes, error })
    }
    revision++
  }

  async function lookOnce(): Promise<void> {
    if (!isGathered) {
      // Before the search, so that a change during it is not lost.
      isGathered = true
      const rules = { ...options, root, parse: view.parse, nameOf }
      gathered = await gatherPictures(options.sources(), rules).catch(error => {
        isGathered = false
        throw error
      })
      revision++
    }
    const account = ordersOf(await readLedger(view.options.cacheDir))
    if (account.length !== orders.length || account.some(({ at }, index) => at !== orders[index]?.at))
      revision++
    orders = account
    await Promise.all(
      subjects().map(subject => {
        const stamp = stampOf(subject)
        return findings.get(subject.id)?.stamp === stamp ? undefined : limit(() => examine(subject, stamp))
      }),
    )
  }

  function begin(): Promise<void> {
    next = undefined
    looking = lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }

  function show(subject: Subject): InspectedPicture {
    const { id, file, request, places, seenPicture } = subject
    const { examined, error, changes } = findings.get(id) ?? {}
    const common = {
      id,
      name: nameOf(file),
      factor: request.factor,
      engine: request.engine,
      settings: settingsOf(request),
      places,
      paidMicros: 0,
      priceMicros: 0,
    }
    const wanted = { file, request }
    if (error !== undefined) {
      return { shown: { ...common, state: 'wrong', message: messageOf(error) }, wanted }
    }
    if (examined === undefined) return { shown: { ...common, state: 'looking' }, wanted }
    const { model, chosen, billing, original, finished, priceMicros, answerKey, reason } = examined
    const paidMicros = orders
      .filter(order => order.key === answerKey && order.event !== 'free')
      .reduce((sum, { costMicros }) => sum + costMicros, 0)
    // Work that ended since has made it something else than what was seen.
    const isOutdated = changes !== (seenPicture?.changes ?? 0) && examined.state !== 'finished'
    const seen = isOutdated ? 'looking' : examined.state
    const state = seenPicture?.isWorking === true ? 'working' : seen
    const failure =
      reason ??
      (state === 'missing' || state === 'answered' || state === 'remote' ? seenPicture?.error : undefined)
    return {
      shown: {
        ...common,
        state,
        model,
        ...(chosen === undefined ? {} : { chosen }),
        billing,
        original,
        paidMicros,
        priceMicros,
        ...(finished === undefined ? {} : { finished }),
        ...(failure === undefined || isTold(failure) ? {} : { message: messageOf(failure) }),
      },
      wanted,
    }
  }

  function showWrong({ error, place }: Gathered['wrong'][number]): InspectedPicture {
    const { reference } = place
    const shown: ShownPicture = {
      id: idOf(`${place.source}:${place.importer.line} ${reference}`, undefined),
      name: reference,
      state: 'wrong',
      settings: [],
      places: [shownPlace(place)],
      paidMicros: 0,
      priceMicros: 0,
      message: messageOf(error),
    }
    return { shown }
  }

  return {
    pictures() {
      const all = subjects()
      const met = new Set(all.flatMap(({ seenPicture }) => seenPicture?.reference ?? []))
      // What a bundler found under an alias of its own is not lost because a search for files did not.
      const wrong = gathered.wrong.filter(
        ({ error, place }) => error.code !== 'SOURCE_NOT_FOUND' || !met.has(place.reference),
      )
      const order = new Intl.Collator('en', { numeric: true })
      const byName = (pictures: InspectedPicture[]): InspectedPicture[] =>
        pictures.sort((a, b) => order.compare(a.shown.name, b.shown.name))
      return [...byName(all.map(show)), ...byName(wrong.map(showWrong))]
    },
    get paidMicros() {
      return orders
        .filter(({ event }) => event !== 'free')
        .reduce((sum, { costMicros }) => sum + costMicros, 0)
    },
    get revision() {
      const changes = [...options.seenPictures()].reduce((sum, one) => sum + one.changes, 0)
      return revision + changes
    },
    look() {
      if (looking === undefined) return begin()
      // What is under way may have passed by what has changed since.
      next ??= looking.then(begin, begin)
      return next
    },
    forgetSources() {
      isGathered = false
    },
    forgetPictures() {
      epoch++
    },
  }
}

/** Two upscalers of one server may have met the same picture. */
function both(before: SeenPicture | undefined, after: SeenPicture): SeenPicture {
  if (before === undefined) return after
  const error = after.error ?? before.error
  return {
    ...after,
    isWorking: before.isWorking || after.isWorking,
    changes: before.changes + after.changes,
    ...(error === undefined ? {} : { error }),
  }
}

/** True for an end that the state of a picture tells already. */
function isTold({ code }: UpscaleError): boolean {
  return code === 'FROZEN_MISS' || code === 'ABORTED'
}

function shownPlace({ importer, source }: WantedPicture['places'][number]): ShownPlace {
  return { name: importer.file, line: importer.line, file: source }
}
