/** What must be true of effects, by the log and by the witness of their acts. */
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { insist } from './insist.ts'
import { ACTIONS, type Action, UNDONE } from './runs-postgres-programs.ts'
import type { ActLine } from './runs-postgres-traces.ts'

interface Told {
  readonly effect?: string
  readonly attempt?: number
  readonly intent?: string
  readonly happened?: boolean
  readonly owner?: string
  readonly at?: number | null
}

type Runs = ReadonlyMap<RunId, readonly RecordedEvent[]>

const told = ({ data }: RecordedEvent): Told => data as Told

/** The end of an attempt, or a word about one, that is no outcome of its effect. */
const NO_OUTCOMES: ReadonlySet<string> = new Set([
  'EffectInDoubt',
  'EffectDoubtResolved',
  'EffectRetryScheduled',
  'CompensationStarted',
  'CompensationSucceeded',
  'CompensationFailed',
  'CompensationAbandoned',
])

/** Judges effects. @throws what is broken */
export const judgeEffects = (
  runs: Runs,
  acts: readonly ActLine[],
  owners: ReadonlyMap<string, string>,
): { readonly repeated: number; readonly undone: number } => {
  judgeIntents(runs, acts, owners)
  let undone = 0
  for (const events of runs.values()) {
    judgeOutcomes(events)
    undone += judgeUndoings(events)
  }
  judgeStaged(runs, acts)
  return { repeated: judgeActs(runs, acts), undone }
}

/** Each call has its intent in the log, one call for an intent, and no former owner begins one. */
const judgeIntents = (
  runs: Runs,
  acts: readonly ActLine[],
  owners: ReadonlyMap<string, string>,
): void => {
  const called = new Set<string>()
  for (const act of acts) {
    if (act.at !== 'called') continue
    const { who, run, effect, attempt, intent, undoes } = act
    const name = `${who}: ${act.action} "${effect}" #${attempt} of ${run}`
    const events = runs.get(run as RunId) ?? []
    const event = events.find(({ id }) => id === intent)
    const isIntended =
      event?.type === (undoes ? 'CompensationStarted' : 'CapabilityUsed') &&
      told(event).effect === effect &&
      told(event).attempt === attempt
    insist(isIntended, `${name} acts without an intent that is in the log`)
    insist(!called.has(intent), `${name} is called twice on one intent`)
    called.add(intent)
    const claim = events.find(
      ({ type, version, data }) =>
        type === 'RunClaimed' &&
        version > (event?.version ?? 0) &&
        (data as Told).owner !== owners.get(who),
    )
    // Whoever claims a run has found its owner dead before: from then on nobody is sure.
    const isLate = claim !== undefined && act.time > claim.time
    insist(!isLate, `${name} begins ${act.time - (claim?.time ?? 0)} ms after ${claim?.id}`)
  }
}

/** One outcome of each effect, none without an intent, and nothing is tried behind it. */
const judgeOutcomes = (events: readonly RecordedEvent[]): void => {
  const settled = new Map<string, string>()
  const tried = new Map<string, number>()
  const open = new Set<string>()
  const doubted = new Set<string>()
  for (const event of events) {
    const { effect = '', intent, attempt = 0, happened } = told(event)
    const { id, type } = event
    if (type === 'EffectInDoubt') doubted.add(effect)
    if (type === 'EffectDoubtResolved' && happened === false) doubted.delete(effect)
    if (type === 'EffectRetryScheduled') open.delete(effect)
    const isIntent = type === 'CapabilityUsed'
    const isOutcome = intent !== undefined && !NO_OUTCOMES.has(type)
    if (!isIntent && !isOutcome) continue
    const before = settled.get(effect)
    insist(before === undefined, `${id}, ${type} of "${effect}", comes behind ${before}`)
    if (isIntent) {
      insist(attempt > (tried.get(effect) ?? 0), `${id} is attempt ${attempt} once more`)
      insist(!doubted.has(effect), `${id} tries "${effect}" again, which is in doubt`)
      const { fate } = event.data as { readonly fate?: string }
      const isOpen = open.has(effect) && fate === 'irreversible' && !doubtOver(events, effect, id)
      insist(!isOpen, `${id} tries "${effect}" again, and nobody said that it did not happen`)
      tried.set(effect, attempt)
      open.add(effect)
    } else {
      insist(tried.has(effect), `${id} is an outcome of "${effect}", which was never intended`)
      settled.set(effect, id)
      open.delete(effect)
    }
  }
  insist(open.size === 0, `there is no outcome of ${[...open].join()} of ${events[0]?.stream}`)
}

/** Whether a person has said, before this event, that the latest attempt did not happen. */
const doubtOver = (events: readonly RecordedEvent[], effect: string, before: string): boolean => {
  const earlier = events.slice(
    0,
    events.findIndex(({ id }) => id === before),
  )
  const last = earlier.findLast(
    (event) =>
      told(event).effect === effect &&
      (event.type === 'CapabilityUsed' || event.type === 'EffectDoubtResolved'),
  )
  return last?.type === 'EffectDoubtResolved'
}

/** What is irreversible acts once, what may be repeated under one key, and all of it is told. */
const judgeActs = (runs: Runs, acts: readonly ActLine[]): number => {
  const byAct = new Map<string, ActLine[]>()
  for (const act of acts) {
    if (act.at !== 'acted') continue
    const name = `${act.action} "${act.effect}" of ${act.run}${act.undoes ? ', undone' : ''}`
    byAct.set(name, [...(byAct.get(name) ?? []), act])
  }
  const keys = new Map<string, string>()
  let repeated = 0
  for (const [name, own] of byAct) {
    const [{ action, run, effect, key, undoes } = {} as ActLine] = own
    const isOnce = ACTIONS[action as Action] === 'irreversible'
    insist(!isOnce || own.length === 1, `${name} has acted ${own.length} times`)
    insist(new Set(own.map((act) => act.key)).size === 1, `${name} has acted under two keys`)
    insist(keys.get(key) === undefined, `${name} has the key of ${keys.get(key)}`)
    keys.set(key, name)
    const perIntent = new Set(own.map(({ intent }) => intent)).size
    insist(perIntent === own.length, `${name} has acted twice on one intent`)
    const ends = (runs.get(run as RunId) ?? []).filter(
      (event) =>
        told(event).effect === effect &&
        (undoes ? event.type === 'CompensationSucceeded' : isSuccess(event)),
    )
    insist(ends.length === 1, `${name} has acted, and its run has ${ends.length} outcomes of it`)
    repeated += own.length - 1
  }
  return repeated
}

const isSuccess = ({ type, data }: RecordedEvent): boolean => {
  const { happened, intent } = data as Told
  return (
    intent !== undefined && 'result' in (data as object) && happened === undefined && type !== ''
  )
}

/** Nothing that was staged acts before its run has committed, or where it has aborted. */
const judgeStaged = (runs: Runs, acts: readonly ActLine[]): void => {
  for (const { at, run, effect, action } of acts) {
    if (at !== 'called' || action !== 'mail') continue
    const events = runs.get(run as RunId) ?? []
    const commit = events.find(({ type }) => type === 'RunCommitted')
    const intent = events.find(
      (event) => event.type === 'CapabilityUsed' && told(event).effect === effect,
    )
    const isBehind =
      commit !== undefined && Math.abs((intent?.version ?? 0) - commit.version) < STAGED_TOGETHER
    insist(isBehind, `"${effect}" of ${run} has acted, and was staged`)
  }
}

/** Effects that one program stages: their first intents stand beside the commit. */
const STAGED_TOGETHER = 4

/** All that an aborted run did is undone once, the latest first. */
const judgeUndoings = (events: readonly RecordedEvent[]): number => {
  if (!events.some(({ type }) => type === 'RunAborted')) return 0
  const undone = events.filter(({ type }) => type === 'CompensationSucceeded')
  const names = undone.map((event) => told(event).effect)
  const where = events[0]?.stream
  insist(names.join() === UNDONE.join(), `${where} has undone ${names.join()}`)
  return undone.length
}
