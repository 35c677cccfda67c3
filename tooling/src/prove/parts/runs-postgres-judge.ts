/**
 * Holds the log of a round against what stands outside of it: what handlers witnessed, what workers
 * tried to append and were told is there. And the index against a fresh fold of the log.
 */
import { composeTaxonomy, createEventLog, standardTypes, verifyLog } from '@ice/events'
import type { EventLog, EventStore, RecordedEvent } from '@ice/events/ports'
import { canonicalize, type JsonValue, type RunId, systemClock } from '@ice/primitives'
import { createRunIndex, memoryRunRows, openValue, runProjection } from '@ice/runs'
import type { RunIndex, RunRows } from '@ice/runs/ports'
import { insist } from './insist.ts'
import { judgeEffects } from './runs-postgres-effects.ts'
import { PROVED } from './runs-postgres-programs.ts'
import { type ActLine, type AppendLine, printOf } from './runs-postgres-traces.ts'

/** What is judged. */
export interface JudgeRunsInit {
  readonly store: EventStore
  /** The rows that the workers shared. */
  readonly rows: RunRows
  readonly acts: readonly ActLine[]
  readonly appends: readonly AppendLine[]
  /** By the name of a process, whose runs it owned. */
  readonly owners: ReadonlyMap<string, string>
}

/** What was found, in numbers. */
export interface RunsVerdict {
  readonly runs: number
  readonly events: number
  readonly acknowledged: number
  /** Commits of which their writer never heard: others went on from them. */
  readonly unheard: number
  /** Runs that were taken from an owner that had not let go of them. */
  readonly takeovers: number
  readonly doubts: number
  readonly acts: number
  /** Acts beyond the first of an effect. */
  readonly repeated: number
  readonly undone: number
}

/** Judges a round whose runs have come to their ends. @throws what is broken, the first of it */
export const judgeRuns = async (init: JudgeRunsInit): Promise<RunsVerdict> => {
  const { store, rows, acts, appends, owners } = init
  const { findings, events: verified } = await verifyLog(store)
  insist(findings.length === 0, `the log does not verify: ${findings[0]?.message}`)
  const taxonomy = composeTaxonomy(standardTypes)
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  const runs = await runsOf(log)
  judgeAppends(runs, appends)
  let [takeovers, doubts] = [0, 0]
  for (const [run, events] of runs) {
    await judgeEnd(log, run, events)
    takeovers += judgeOwners(run, events, { appends, owners })
    doubts += events.filter(({ type, data }) => isDoubt(type, data)).length
  }
  const { repeated, undone } = judgeEffects(runs, acts, owners)
  await judgeIndex(log, rows)
  return {
    ...{ runs: runs.size, events: verified, takeovers, doubts, repeated, undone },
    acknowledged: appends.filter(({ is }) => is === 'kept').length,
    unheard: unheardOf(runs, appends),
    acts: acts.filter(({ at }) => at === 'acted').length,
  }
}

const isDoubt = (type: string, data: unknown): boolean =>
  type === 'EffectInDoubt' ||
  (type === 'CompensationFailed' && (data as { readonly at: unknown }).at === null)

/** The events of each run. */
export type RunEvents = ReadonlyMap<RunId, readonly RecordedEvent[]>

const runsOf = async (log: EventLog): Promise<RunEvents> => {
  const runs = new Map<RunId, RecordedEvent[]>()
  for await (const batch of log.readAll({ filter: { streamPrefix: 'run/' } })) {
    for (const event of batch) {
      const run = event.stream.slice('run/'.length) as RunId
      const events = runs.get(run) ?? []
      events.push(event)
      runs.set(run, events)
    }
  }
  return runs
}

/** What was acknowledged is in the log, as it was, where it was. */
const judgeAppends = (runs: RunEvents, appends: readonly AppendLine[]): void => {
  for (const { is, who, stream, from, events } of appends) {
    if (is !== 'kept') continue
    const found = runs.get(stream.slice('run/'.length) as RunId) ?? []
    events.forEach((print, at) => {
      const event = found[from - 1 + at]
      const stands = event !== undefined && printOf(event.type, event.data) === print
      insist(stands, `${stream}@${from + at} was acknowledged to ${who}, and is another: ${print}`)
    })
  }
}

/** How many appends are there though nobody was told so. */
const unheardOf = (runs: RunEvents, appends: readonly AppendLine[]): number => {
  const placeOf = ({ who, stream, from }: AppendLine): string => `${who} ${stream}@${from}`
  const kept = new Set(appends.filter(({ is }) => is === 'kept').map(placeOf))
  return appends.filter((line) => {
    const { is, stream, from, events } = line
    const found = runs.get(stream.slice('run/'.length) as RunId)?.[from - 1]
    const isThere = found !== undefined && printOf(found.type, found.data) === events[0]
    return is === 'tried' && isThere && !kept.has(placeOf(line))
  }).length
}

const CONCLUSION = /^Run(Committed|Aborted|ForciblyTerminated)$/

/** One conclusion, the one that its program must come to; `RunTerminated` last, once. */
const judgeEnd = async (
  log: EventLog,
  run: RunId,
  events: readonly RecordedEvent[],
): Promise<void> => {
  const { program, key } = (events[0]?.data ?? {}) as {
    readonly program?: { readonly name: string }
    readonly key?: string
  }
  const ends = events.filter(({ type }) => CONCLUSION.test(type)).map(({ type }) => type)
  const proved = PROVED.get(program?.name ?? '')
  const expected = proved?.value === null ? 'RunAborted' : 'RunCommitted'
  insist(ends.join() === expected, `${program?.name} ${run} has the conclusions ${ends.join()}`)
  const terminated = events.filter(({ type }) => type === 'RunTerminated').length
  const last = events.at(-1)?.type
  insist(terminated === 1 && last === 'RunTerminated', `the last event of ${run} is ${last}`)
  const fold = events.reduce(runProjection.evolve, runProjection.initialState())
  if (proved === undefined || proved.value === null) return
  insist(fold.result !== null, `${program?.name} ${run} has no result`)
  const n = Number(key?.split('/')[1])
  const result = await openValue(fold.result, log.store.blobs)
  const is = canonicalize(result)
  insist(is === canonicalize(proved.value(n)), `${program?.name} ${run} has come to ${is}`)
}

/** What others than the owner of a run write to it. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'RunCreated',
  'ApprovalGranted',
  'EffectDoubtResolved',
])

/**
 * Whatever stands in a run was written by who owned it there: nothing of a former owner stands
 * behind the claim of a later one. @returns how often the run was taken over
 */
const judgeOwners = (
  run: RunId,
  events: readonly RecordedEvent[],
  { appends, owners }: Pick<JudgeRunsInit, 'appends' | 'owners'>,
): number => {
  const tried = new Map<string, Set<string>>()
  for (const { is, who, stream, from, events: prints } of appends) {
    if (is !== 'tried' || stream !== `run/${run}`) continue
    prints.forEach((print, at) => {
      const place = `${from + at} ${print}`
      tried.set(place, (tried.get(place) ?? new Set()).add(owners.get(who) ?? ''))
    })
  }
  const fold = runProjection.initialState()
  const workers = new Set(owners.values())
  let takeovers = 0
  for (const event of events) {
    const { owner: before, suspended = false, epoch = 0 } = fold.view ?? {}
    runProjection.evolve(fold, event)
    const { owner = '', epoch: now = 0 } = fold.view ?? {}
    const by = tried.get(`${event.version} ${printOf(event.type, event.data)}`)
    const isOutside = OUTSIDE.has(event.type)
    insist(by !== undefined || isOutside, `nobody has tried to append ${event.id}, ${event.type}`)
    const isOwners = isOutside || by?.has(owner) === true
    const writers = [...(by ?? [])].join()
    insist(isOwners, `${event.id}, ${event.type}, was written by ${writers}, and ${owner} owns it`)
    if (event.type !== 'RunClaimed') continue
    insist(now === epoch + 1, `${event.id} claims epoch ${now} after ${epoch}`)
    if (!suspended && workers.has(before ?? '')) takeovers += 1
  }
  return takeovers
}

/** The rows of the workers are those of a fresh fold of the log. */
const judgeIndex = async (log: EventLog, rows: RunRows): Promise<void> => {
  const shared = createRunIndex({ log, rows })
  const fresh = createRunIndex({ log, rows: memoryRunRows() })
  const [one, other] = [await told(shared), await told(fresh)]
  insist(one === other, `the index is not what the log says:\n${one}\n${other}`)
}

const told = async (index: RunIndex): Promise<string> => {
  await index.catchUp()
  const rows: unknown[] = []
  for (let after: RunId | null = null; ; ) {
    const page = await index.find(after === null ? {} : { after })
    rows.push(...page)
    after = page.at(-1)?.run ?? null
    if (after === null) break
  }
  return canonicalize(rows as JsonValue)
}
