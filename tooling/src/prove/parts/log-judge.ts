/**
 * What must be true of a log after a fault, judged by what its process had said before it.
 *
 * 1. It opens without repair, and nothing in it is found wrong.
 * 2. What was acknowledged is there, byte for byte, where it was acknowledged to be.
 * 3. Of each lane it holds a beginning, and each unit is there whole or not at all.
 * 4. A unit whose fate nobody knows can be appended again, and then stands there once.
 * 5. A backup that has its name is whole, and holds what was there when it began.
 */
import { existsSync } from 'node:fs'
import { type Appended, type EventStore, type StoredEvent, verifyLog } from '@ice/events'
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import { type EventId, systemClock } from '@ice/primitives'
import { insist } from './insist.ts'
import { bytesOf, logOf, type Plan, type PlannedUnit, planUnits } from './log-plan.ts'
import { SCENARIOS, type ScenarioName } from './log-scenarios.ts'
import { type Line, linesOf } from './log-witness.ts'

/** What may stand in a log. */
export interface Expected {
  readonly plan: Plan
  readonly bytes: ReadonlyMap<EventId, string>
  /** What stood there before. */
  readonly base: readonly StoredEvent[]
}

/** Makes what a scenario's log may hold. */
export const expectedOf = async (
  scenario: ScenarioName,
  seed: string,
  base: readonly StoredEvent[],
): Promise<Expected> => {
  const plan = planUnits({ ...SCENARIOS[scenario].plan, seed })
  return { plan, bytes: await bytesOf(plan), base }
}

/** What was looked at. */
export interface Judged {
  readonly events: number
  readonly acknowledged: number
  /** Units that were there without having been acknowledged. */
  readonly unacknowledged: number
  /** Units that were appended again, because nobody knew of them. */
  readonly retried: number
  readonly backups: number
}

/** What is judged, and how far it is taken. */
export interface JudgeInit {
  readonly path: string
  readonly expected: Expected
  readonly witness: readonly Line[]
  /** Bring the plan to its end, or append only what is in doubt. */
  readonly goOn: 'to-the-end' | 'one-unit'
}

/** Judges a log. @throws when anything is not as it must be */
export const judgeLog = async (init: JudgeInit): Promise<Judged> => {
  const { path, expected, witness } = init
  const mustExist = expected.base.length > 0 || linesOf(witness, 'opened').length > 0
  insist(existsSync(path) || !mustExist, 'the log was opened, and is not there any more')
  const store = openSqliteEventStore({ path, clock: systemClock })
  try {
    const events = await verified(store)
    const present = checkEvents(events, expected)
    const acknowledged = checkAcknowledged(events, expected, witness)
    await checkBlobs(store, expected.plan, present)
    const backups = await checkBackup(init, events)
    const { retried } = await goOn(store, init, present)
    const unacknowledged = present.reduce((sum, units) => sum + units, 0) - acknowledged
    return { events: events.length, acknowledged, unacknowledged, retried, backups }
  } finally {
    await store.close()
  }
}

/** All events of a log in which nothing is wrong. */
const verified = async (store: EventStore): Promise<readonly StoredEvent[]> => {
  const { findings } = await verifyLog(store)
  insist(findings.length === 0, `the log does not verify: ${findings[0]?.message}`)
  const events: StoredEvent[] = []
  for await (const batch of store.readAll({})) events.push(...batch)
  return events
}

interface Place {
  readonly stream: string
  readonly version: number
}

const idOf = ({ bytes }: StoredEvent): EventId => {
  const { stream, version } = JSON.parse(bytes) as Place
  return `${stream}@${version}` as EventId
}

/** Units that are there, by lane. */
const checkEvents = (events: readonly StoredEvent[], expected: Expected): readonly number[] => {
  const { base, bytes, plan } = expected
  for (const [at, { bytes: before }] of base.entries()) {
    insist(events[at]?.bytes === before, `event ${at + 1} is not what it was`)
  }
  const found = new Set<EventId>()
  for (const event of events.slice(base.length)) {
    const id = idOf(event)
    insist(bytes.get(id) === event.bytes, `${id} has bytes that nobody appended`)
    found.add(id)
  }
  return plan.map((units, lane) => countWhole(units, found, lane))
}

const countWhole = (
  units: readonly PlannedUnit[],
  found: ReadonlySet<EventId>,
  lane: number,
): number => {
  let whole = 0
  for (const [unit, { ids }] of units.entries()) {
    const there = ids.filter((id) => found.has(id)).length
    insist(there === 0 || there === ids.length, `unit ${lane}/${unit} is there in part`)
    if (there === 0) continue
    insist(unit === whole, `unit ${lane}/${unit} is there, the one before it is not`)
    whole += 1
  }
  return whole
}

const checkAcknowledged = (
  events: readonly StoredEvent[],
  { plan }: Expected,
  witness: readonly Line[],
): number => {
  const seen = new Set<string>()
  for (const { lane, unit, positions } of linesOf(witness, 'acknowledged')) {
    const ids = plan[lane]?.[unit]?.ids ?? []
    seen.add(`${lane}/${unit}`)
    insist(ids.length === positions.length, `unit ${lane}/${unit} was acknowledged in part`)
    for (const [at, position] of positions.entries()) {
      const event = events[position - 1]
      const isThere = event !== undefined && idOf(event) === ids[at]
      insist(
        isThere,
        `${ids[at]} of unit ${lane}/${unit} was acknowledged at ${position}, and lost`,
      )
    }
  }
  return seen.size
}

const checkBlobs = async (
  store: EventStore,
  plan: Plan,
  present: readonly number[],
): Promise<void> => {
  for (const [lane, units] of plan.entries()) {
    for (const { request } of units.slice(0, present[lane])) {
      for (const draft of request.blobs ?? []) {
        const bytes = await store.blobs.read(draft.digest)
        const isSame = 'bytes' in draft && Buffer.compare(bytes, draft.bytes) === 0
        insist(isSame, `the blob of a unit of lane ${lane} is another`)
      }
    }
  }
}

/** The path of the backup that a scenario makes. */
export const backupOf = (path: string): string => `${path}-backup`

const checkBackup = async (
  { path, witness }: JudgeInit,
  events: readonly StoredEvent[],
): Promise<number> => {
  const [done] = linesOf(witness, 'backed-up')
  const isThere = existsSync(backupOf(path))
  insist(isThere || done === undefined, 'the backup was finished, and is not there')
  if (!isThere) return 0
  const copy = openSqliteEventStore({ path: backupOf(path), clock: systemClock })
  try {
    const copied = await verified(copy)
    insist(copied.length >= (done?.head ?? 0), `the backup ends at ${copied.length}`)
    for (const [at, { bytes }] of copied.entries()) {
      insist(bytes === events[at]?.bytes, `event ${at + 1} of the backup is another`)
    }
    return 1
  } finally {
    await copy.close()
  }
}

/** Appends what nobody knows of: it must be acknowledged, and not be there twice. */
const goOn = async (
  store: SqliteEventStore,
  { expected, goOn: how, witness }: JudgeInit,
  present: readonly number[],
): Promise<{ readonly retried: number }> => {
  const next = present.map((_, lane) =>
    linesOf(witness, 'acknowledged')
      .filter((line) => line.lane === lane)
      .reduce((most, { unit }) => Math.max(most, unit + 1), 0),
  )
  const retried = await appendDoubtful(store, expected, { present, next })
  if (how === 'to-the-end') await appendRest(store, expected, next)
  return { retried }
}

interface Lanes {
  readonly present: readonly number[]
  /** Of each lane the first unit that was not acknowledged. */
  readonly next: readonly number[]
}

/** All at once, as callers do when they come back; then all of them once more. */
const appendDoubtful = async (
  store: SqliteEventStore,
  { plan }: Expected,
  { present, next }: Lanes,
): Promise<number> => {
  const log = logOf(store)
  const doubtful = plan.flatMap((units, lane) => {
    const planned = units[next[lane] ?? 0]
    return planned === undefined ? [] : [{ planned, isThere: next[lane] !== present[lane] }]
  })
  const before = (await store.head()).position
  const appendAll = (): Promise<readonly Appended[]> =>
    Promise.all(doubtful.map(({ planned }) => log.append(planned.request)))
  const first = await appendAll()
  for (const [at, { planned, isThere }] of doubtful.entries()) {
    insist(first[at]?.retried === isThere, `${planned.ids[0]} was not known for what it is`)
  }
  const second = await appendAll()
  for (const [at, { writes, retried }] of second.entries()) {
    const isSame = JSON.stringify(writes) === JSON.stringify(first[at]?.writes)
    insist(retried && isSame, `${doubtful[at]?.planned.ids[0]} was appended twice`)
  }
  const added = doubtful.filter(({ isThere }) => !isThere).flatMap(({ planned }) => planned.ids)
  const head = await store.head()
  insist(head.position === before + added.length, `after ${before} the head is ${head.position}`)
  return doubtful.length - doubtful.filter(({ isThere }) => !isThere).length
}

const appendRest = async (
  store: SqliteEventStore,
  expected: Expected,
  next: readonly number[],
): Promise<void> => {
  const log = logOf(store)
  for (const [lane, units] of expected.plan.entries()) {
    for (const { request } of units.slice((next[lane] ?? 0) + 1)) {
      const { position } = await store.head()
      insistNext(await log.append(request), position)
    }
  }
  await checkEnd(store, expected)
}

const insistNext = ({ writes }: Appended, head: number): void => {
  const positions = writes.flatMap((write) => write.positions)
  const isNext = positions.every((position, at) => position === head + at + 1)
  insist(isNext, `after ${head} came ${positions.join()}`)
}

const checkEnd = async (store: EventStore, expected: Expected): Promise<void> => {
  const events = await verified(store)
  checkEvents(events, expected)
  const wanted = expected.base.length + expected.bytes.size
  insist(events.length === wanted, `the log has ${events.length} events, not ${wanted}`)
}
