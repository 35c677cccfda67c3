/** What must be true of a log after each kill, and at the end, by the witness of its acts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordedEvent } from '@ice/events/ports'
import { canonicalize, sha256Hex } from '@ice/primitives'
import type { Fate } from '@ice/runs/ports'
import { insist } from './insist.ts'
import type { KillLine } from './runs-kill-child.ts'
import { readLog } from './slice-judge.ts'

interface Told {
  readonly effect?: string
  readonly intent?: string
  readonly attempt?: number
  readonly happened?: boolean
}

/** Where a kill found an effect that was not settled. */
export type Found = 'intended' | 'called' | 'acted' | 'returned'

/** What a kill left. */
export interface Left {
  /** Fate and place of each effect that was open. */
  readonly found: readonly `${Fate}/${Found}`[]
  readonly settled: ReadonlySet<string>
  readonly acts: number
}

/** What was counted. */
export interface KillCounts {
  readonly effects: number
  readonly acts: number
  readonly acknowledged: number
  readonly doubts: number
  readonly repeated: number
}

const lines = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []

const actsOf = (folder: string): readonly KillLine[] =>
  lines(join(folder, 'witness')).map((line) => JSON.parse(line) as KillLine)

const isOutcome = ({ type, data }: RecordedEvent): boolean =>
  (data as Told).intent !== undefined && type !== 'EffectInDoubt' && type !== 'EffectDoubtResolved'

/** Looks at what a kill left. @throws where an act has no intent, or a recorded one is repeated */
export const judgeKill = async (folder: string, before: Left | null): Promise<Left> => {
  const { events } = await readLog(folder)
  const acts = actsOf(folder)
  const intents = new Map<string, RecordedEvent>(events.map((event) => [event.id, event]))
  for (const { intent, effect, attempt } of acts) {
    const event = intents.get(intent)
    const { effect: named, attempt: number } = (event?.data ?? {}) as Told
    const isIntended = event?.type === 'CapabilityUsed' && named === effect && number === attempt
    insist(isIntended, `"${effect}" #${attempt} acted without an intent that is in the log`)
  }
  for (const { effect, at } of acts.slice(before?.acts ?? 0)) {
    const isRepeated = before?.settled.has(effect) === true
    insist(!isRepeated, `"${effect}" was ${at} again, though its outcome was recorded`)
  }
  const settled = new Set(events.filter(isOutcome).map(({ data }) => (data as Told).effect ?? ''))
  const open = new Map<string, RecordedEvent>()
  for (const event of events) {
    const { effect = '' } = event.data as Told
    if (event.type === 'CapabilityUsed' && !settled.has(effect)) open.set(effect, event)
  }
  const found = [...open].map(([effect, { id, data }]): `${Fate}/${Found}` => {
    const { fate } = data as { fate: Fate }
    const last = acts.findLast((act) => act.effect === effect && act.intent === id)
    return `${fate}/${last?.at ?? 'intended'}`
  })
  return { found, settled, acts: acts.length }
}

/** Judges a log whose run has come to its end. */
export const judgeEnd = async (folder: string, effects: number): Promise<KillCounts> => {
  const { events, findings } = await readLog(folder)
  insist(findings.length === 0, `the log does not verify: ${findings[0]}`)
  const acknowledged = judgeAcks(folder, events)
  const types = events.map(({ type }) => type)
  const ends = types.filter((type) => /^Run(Committed|Aborted|ForciblyTerminated)$/.test(type))
  insist(ends.join() === 'RunCommitted', `the conclusions are ${ends.join()}`)
  insist(types.at(-1) === 'RunTerminated', `the last event is ${types.at(-1)}`)
  const acts = actsOf(folder)
  const repeated = judgeFates(events, acts, effects)
  const doubts = types.filter((type) => type === 'EffectInDoubt').length
  const acted = acts.filter(({ at }) => at === 'acted').length
  return { effects, acts: acted, acknowledged, doubts, repeated }
}

const judgeAcks = (folder: string, events: readonly RecordedEvent[]): number => {
  const byVersion = new Map(events.map((event) => [event.version as number, event]))
  const acks = lines(join(folder, 'acks'))
  for (const ack of acks) {
    const [version = '', type = '', digest = ''] = ack.split(' ')
    const event = byVersion.get(Number(version))
    const stands = event?.type === type && sha256Hex(canonicalize(event?.data)) === digest
    insist(stands, `the acknowledged event ${ack} is not in the log as it was`)
  }
  return acks.length
}

/** The fate of every effect is the one it declares. @returns acts beyond the first of an effect */
const judgeFates = (
  events: readonly RecordedEvent[],
  acts: readonly KillLine[],
  effects: number,
): number => {
  const ids = new Set(acts.map(({ effect }) => effect))
  insist(ids.size === effects, `${ids.size} effects acted, and ${effects} were asked for`)
  let repeated = 0
  for (const effect of ids) {
    const own = acts.filter((act) => act.effect === effect && act.at === 'acted')
    const { fate } = own[0] ?? {}
    const of = events.filter(({ data }) => (data as Told).effect === effect)
    const outcomes = of.filter(isOutcome).length
    insist(outcomes === 1, `"${effect}" has ${outcomes} outcomes`)
    insist(own.length >= 1, `"${effect}" has an outcome, and never acted`)
    insist(new Set(own.map(({ key }) => key)).size === 1, `"${effect}" has acted under two keys`)
    const perIntent = new Set(own.map(({ intent }) => intent)).size
    insist(perIntent === own.length, `"${effect}" has acted twice on one intent`)
    const isIrreversible = fate === 'irreversible'
    insist(!isIrreversible || own.length === 1, `"${effect}" has acted ${own.length} times`)
    let mayTry = true
    for (const { type, data } of of) {
      if (type === 'EffectDoubtResolved') mayTry = (data as Told).happened === false
      insist(type !== 'EffectInDoubt' || isIrreversible, `"${effect}" is ${fate}, and in doubt`)
      if (type !== 'CapabilityUsed') continue
      insist(mayTry, `"${effect}" was tried again though nobody said that it had not happened`)
      mayTry = !isIrreversible
    }
    repeated += own.length - 1
  }
  return repeated
}
