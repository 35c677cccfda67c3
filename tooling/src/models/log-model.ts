/**
 * A store is held to the one in memory: whatever is done, together or one after another, by one
 * connection or by two, with the log closed and opened in between, both answer alike, and keep the
 * same bytes.
 */
import { deepStrictEqual } from 'node:assert/strict'
import {
  composeTaxonomy,
  createEventLog,
  type EventLog,
  type EventStore,
  memoryEventStore,
  type RecordedEvent,
  type StoredEvent,
} from '@ice/events'
import { NoteTaken, NumberProposed, PictureKept } from '@ice/events/testing'
import { type Clock, errorRecord, sha256Hex } from '@ice/primitives'
import { type ManualClock, manualClock } from '@ice/primitives/testing'
import { type LogStep, MODEL_START } from './log-steps.ts'

/** What is held to the model. */
export interface ModelSubject {
  /** Opens one more connection to the same log. */
  open(clock: Clock): EventStore | Promise<EventStore>
}

const taxonomy = composeTaxonomy([NoteTaken, PictureKept, NumberProposed])

/** Does the steps to both. @throws {AssertionError} where they differ, with the step */
export const holdToModel = async (
  subject: ModelSubject,
  steps: readonly LogStep[],
): Promise<void> => {
  const clock = manualClock(MODEL_START)
  const model = new Side(memoryEventStore({ clock }), clock)
  const sides: Side[] = []
  try {
    for (let connection = 0; connection < 2; connection += 1) {
      sides.push(new Side(await subject.open(clock), clock))
    }
    for (const [at, step] of steps.entries()) {
      const [first] = sides
      if (step.kind === 'other') sides.reverse()
      else if (step.kind === 'clock') clock.setWall(Math.max(0, clock.now() + step.by))
      else if (step.kind === 'reopen') {
        await first?.store.close()
        sides[0] = new Side(await subject.open(clock), clock)
      } else {
        const wanted = await model.answer(step)
        for (const side of sides) side.sent = model.sent
        deepStrictEqual(await first?.answer(step), wanted, `step ${at}: ${shown(step)}`)
      }
      clock.setWall(clock.now() + 1)
    }
    for (const side of sides) deepStrictEqual(await side.whole(), await model.whole())
  } finally {
    for (const { store } of sides) await store.close()
  }
}

const shown = (step: LogStep): string => {
  const text = JSON.stringify(step)
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}

/** One of the two that are held against each other. */
class Side {
  readonly store: EventStore
  /** What was sent before this step; both sides have sent the same. */
  sent: readonly Parameters<EventLog['append']>[0][] = []
  readonly #log: EventLog

  constructor(store: EventStore, clock: ManualClock) {
    this.store = store
    this.#log = createEventLog({ store, taxonomy, clock })
  }

  /** What it answers: values, or the codes of its refusals. */
  async answer(step: LogStep): Promise<unknown> {
    const log = this.#log
    switch (step.kind) {
      case 'append':
        this.sent = [...this.sent, ...step.requests]
        return Promise.all(step.requests.map((request) => told(log.append(request))))
      case 'again': {
        const request = this.sent.at(-1 - step.back)
        return request === undefined ? 'nothing was sent' : told(log.append(request))
      }
      case 'withdrawn':
        return told(log.append({ ...step.request, signal: AbortSignal.abort() }))
      case 'read':
        return told(gathered(log.read(step.query)))
      case 'readAll':
        return told(gathered(log.readAll(step.query)))
      case 'subscribe':
        return told(this.#caughtUp(step.query))
      case 'event':
        return told(log.event(step.id))
      case 'stage':
        return told(this.store.blobs.stage(step.bytes))
      case 'blob':
        return told(this.#blob(step.digest))
      case 'collect':
        return told(this.store.blobs.collect({ graceMs: step.graceMs }))
      default:
        return undefined
    }
  }

  /** Everything there is, as the port says it. */
  async whole(): Promise<unknown> {
    const findings: unknown[] = []
    for await (const finding of this.store.check()) findings.push(finding)
    const events = await gathered(this.store.readAll({}))
    const stored = events.map(({ position, bytes, hash }) => ({ position, bytes, hash }))
    return { findings, head: await this.store.head(), stored }
  }

  /** What a subscription gives up to the head; then one that waits is left. */
  async #caughtUp(query: object): Promise<readonly RecordedEvent[]> {
    const wanted = await gathered(this.#log.readAll(query))
    const controller = new AbortController()
    const events: RecordedEvent[] = []
    const query_ = { ...query, signal: controller.signal }
    if (wanted.length === 0) return []
    for await (const batch of this.#log.subscribe(query_)) {
      events.push(...batch)
      if (events.length >= wanted.length) controller.abort()
    }
    return events
  }

  async #blob(digest: Parameters<EventStore['blobs']['read']>[0]): Promise<unknown> {
    const { blobs } = this.store
    const has = await blobs.has(digest)
    const bytes = await told(blobs.read(digest).then((read) => sha256Hex(read)))
    const portions: Uint8Array[] = []
    const streamed = async (): Promise<unknown> => {
      for await (const portion of blobs.stream(digest)) portions.push(portion)
      return sha256Hex(Buffer.concat(portions))
    }
    return { has, bytes, streamed: await told(streamed()) }
  }
}

const told = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    return await work
  } catch (error) {
    const { code } = errorRecord(error)
    return code
  }
}

const gathered = async <T extends StoredEvent | RecordedEvent>(
  batches: AsyncIterable<readonly T[]>,
): Promise<T[]> => {
  const all: T[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}
