/**
 * What must be true of a log after all the killing, judged by what stands outside of it: the
 * acknowledgements its writers were given, the acts its handlers witnessed, the files that the
 * system saw opened.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, standardTypes, verifyLog } from '@ice/events'
import type { RecordedEvent } from '@ice/events/ports'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { canonicalize, sha256Hex, systemClock } from '@ice/primitives'
import { insist } from './insist.ts'

/** What is read of an event here. */
interface Data {
  readonly effect?: string
  readonly attempt?: number
  readonly intent?: string
}

/** One act, as a handler witnessed it. */
interface Act {
  readonly effect: string
  readonly attempt: number
  readonly intent: string
  readonly action: string
}

/** How many cases each judgement looked at. */
export interface Judged {
  readonly acknowledged: number
  readonly events: number
  readonly acts: number
  readonly conclusions: number
}

/** A log with its run's events. */
export interface ReadLog {
  readonly events: readonly RecordedEvent[]
  readonly findings: readonly string[]
  readonly verified: number
}

/** Reads and verifies the log in a folder. */
export const readLog = async (folder: string): Promise<ReadLog> => {
  const path = join(folder, 'ice.db')
  if (!existsSync(path)) return { events: [], findings: [], verified: 0 }
  const store = openSqliteEventStore({ path, clock: systemClock })
  try {
    const taxonomy = composeTaxonomy(standardTypes)
    const log = createEventLog({ store, taxonomy, clock: systemClock })
    const events: RecordedEvent[] = []
    const filter = { streamPrefix: 'run/' }
    for await (const batch of log.readAll({ filter })) events.push(...batch)
    const { findings, events: verified } = await verifyLog(store)
    return { events, findings: findings.map(({ message }) => message), verified }
  } finally {
    await store.close()
  }
}

const lines = (path: string): readonly string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []

const isOutcome = ({ type, data }: RecordedEvent): boolean =>
  (data as Data).intent !== undefined && type !== 'EffectInDoubt' && type !== 'EffectDoubtResolved'

/** Effects that have an outcome. */
export const settledEffects = (events: readonly RecordedEvent[]): ReadonlySet<string> =>
  new Set(events.filter(isOutcome).map(({ data }) => (data as Data).effect ?? ''))

/** How many acts were witnessed so far. */
export const actsSoFar = (folder: string): number => lines(join(folder, 'witness')).length

/** Judges a log that was brought to its end. @throws when anything is not as it must be */
export const judge = async (folder: string): Promise<Judged> => {
  const { events, findings, verified } = await readLog(folder)
  insist(findings.length === 0, `the log does not verify: ${findings[0]}`)
  const byVersion = new Map(events.map((event) => [event.version as number, event]))
  const acks = lines(join(folder, 'acks'))
  for (const ack of acks) {
    const [version = '', type = '', digest = ''] = ack.split(' ')
    const event = byVersion.get(Number(version))
    insist(event !== undefined, `acknowledged event ${ack} is not in the log`)
    const stands = event?.type === type && sha256Hex(canonicalize(event?.data)) === digest
    insist(stands, `acknowledged event ${ack} stands differently in the log`)
  }
  const intents = new Map<string, RecordedEvent>(events.map((event) => [event.id, event]))
  const acts = lines(join(folder, 'witness')).map((line) => JSON.parse(line) as Act)
  for (const act of acts) {
    const intent = intents.get(act.intent)
    const data = intent?.data as Data | undefined
    const isIntended = intent?.type === 'CapabilityUsed' && data?.effect === act.effect
    insist(isIntended && data?.attempt === act.attempt, `no intent of ${JSON.stringify(act)}`)
  }
  const kinds = ['RunCommitted', 'RunAborted', 'RunForciblyTerminated']
  const conclusions = events.filter(({ type }) => kinds.includes(type)).map(({ type }) => type)
  insist(conclusions.join() === 'RunCommitted', `the conclusions are ${conclusions.join()}`)
  insist(events.at(-1)?.type === 'RunTerminated', `the last event is ${events.at(-1)?.type}`)
  judgeOutcomes(events)
  return { acknowledged: acks.length, events: verified, acts: acts.length, conclusions: 1 }
}

/** Each effect has one outcome, and nothing is intended after it. */
const judgeOutcomes = (events: readonly RecordedEvent[]): void => {
  const settled = new Set<string>()
  for (const event of events) {
    const { effect = '' } = event.data as Data
    const concerns = event.type === 'CapabilityUsed' || isOutcome(event)
    insist(!concerns || !settled.has(effect), `${event.id}: ${effect} has its outcome already`)
    if (isOutcome(event)) settled.add(effect)
  }
}

/** Effects witnessed after the first `after` acts that had an outcome by then. */
export const repeatedActs = (
  folder: string,
  after: number,
  settled: ReadonlySet<string>,
): readonly string[] =>
  lines(join(folder, 'witness'))
    .slice(after)
    .map((line) => (JSON.parse(line) as Act).effect)
    .filter((effect) => settled.has(effect))

/** Files below a root that a trace saw opened for reading, relative to it. */
export const openedFiles = (trace: string, root: string): ReadonlySet<string> => {
  const opened = new Set<string>()
  for (const line of lines(trace)) {
    const path = / = \d+<(.*)>$/.exec(line)?.[1]
    if (path === undefined || !path.startsWith(`${root}/`)) continue
    if (line.includes('O_PATH') || line.includes('O_DIRECTORY')) continue
    opened.add(unescaped(path).slice(root.length + 1))
  }
  return opened
}

/** strace writes bytes that are not ASCII as octal escapes. */
const unescaped = (text: string): string => {
  const bytes = text.replaceAll(/\\([0-7]{1,3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
