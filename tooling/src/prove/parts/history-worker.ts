/**
 * A process of a history: opens connections to the log it is told, lets clients work on them, and
 * writes each call and each answer to a file of its own before it goes on, so that it may be
 * killed at any moment.
 */
import { openSync, writeSync } from 'node:fs'
import { createEventLog } from '@ice/events'
import { testTaxonomy } from '@ice/events/testing'
import { errorRecord, seededRandom, systemClock } from '@ice/primitives'
import { type RecordLine, runClient } from '../../linearizability/client.ts'
import type { TaggedUnit } from '../../linearizability/log-model.ts'
import { fileClock, type LogPlace, openPlace } from './history-store.ts'

/** What a process is told to do. */
export interface WorkerJob {
  readonly place: LogPlace
  readonly clock: string
  readonly record: string
  readonly groups: readonly (readonly string[])[]
  readonly connections: number
  readonly clients: readonly WorkerClient[]
}

/** One client of a process. */
export interface WorkerClient {
  readonly name: string
  readonly seed: string
  readonly operations: number
  readonly inherited: readonly TaggedUnit[]
}

/** What it says: that it is there, that its clients begin, are done, or why it cannot go on. */
export interface WorkerSays {
  readonly said: 'ready' | 'begun' | 'done' | 'failed'
  readonly why?: string
}

const taxonomy = testTaxonomy()

/** Nanoseconds of a clock that all processes of a machine have in common. */
export const tick = (): number => Number(process.hrtime.bigint())

const say = (says: WorkerSays): void => {
  process.send?.(says)
}

const describe = (error: unknown): string => {
  const { code, message } = errorRecord(error)
  return `${code}: ${message}\n${error instanceof Error ? error.stack : ''}`
}

const work = async (job: WorkerJob): Promise<void> => {
  const file = openSync(job.record, 'a')
  const write = (line: RecordLine): void => {
    writeSync(file, `${JSON.stringify(line)}\n`)
  }
  const clock = fileClock(job.clock)
  const stores = await Promise.all(
    Array.from({ length: job.connections }, () => openPlace(job.place, clock)),
  )
  const logs = stores.map((store) =>
    createEventLog({ store, taxonomy, clock: { ...systemClock, now: clock.now } }),
  )
  const { groups } = job
  say({ said: 'begun' })
  await Promise.all(
    job.clients.map(({ name, seed, operations, inherited }, at) => {
      const log = logs[at % logs.length]
      if (log === undefined) throw new TypeError('a process has at least one connection')
      const random = seededRandom(seed)
      return runClient({ name, log, random, groups, clock, operations, inherited, tick, write })
    }),
  )
  for (const store of stores) await store.close()
  clock.close()
}

process.on('message', (job: WorkerJob) => {
  work(job).then(
    () => say({ said: 'done' }),
    (error: unknown) => say({ said: 'failed', why: describe(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
say({ said: 'ready' })
