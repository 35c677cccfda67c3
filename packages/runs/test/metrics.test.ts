/** What a worker can be watched by, and who is told when it passes a threshold. */
import { type StreamId, systemClock } from '@ice/primitives'
import { expect, onTestFinished, test } from 'vitest'
import {
  type Alert,
  createRunIndex,
  createSupervisor,
  type MetricsTerms,
  memoryRunRows,
  memoryTurns,
  type Supervisor,
  timedLog,
} from '../src/index.ts'
import { eventually, program, type World, world } from './harness.ts'

const sleeper = program(async (ctx) => {
  await ctx.sleep('nap', 3_600_000)
  return null
})

/** A supervisor that drives nothing: what is counted stays as it is. */
function watched(
  w: World,
  metrics: MetricsTerms = {},
  onError: (error: unknown) => void = () => undefined,
): Supervisor {
  const supervisor = createSupervisor({
    runs: w.runs,
    log: w.log,
    index: createRunIndex({ log: w.log, rows: memoryRunRows() }),
    turns: memoryTurns({ clock: systemClock }),
    ownership: w.ownership,
    clock: systemClock,
    programs: [sleeper],
    only: ['nobody'],
    metrics,
    onError,
  })
  onTestFinished(async () => {
    await supervisor.drain({ withinMs: 0 })
  })
  return supervisor
}

/** Verifies: RUN-R220 */
test('metrics count the runs of the log by queue and standing', async () => {
  const w = await world({ programs: [sleeper] })
  const supervisor = watched(w)
  const asleep = await w.runs.start(sleeper, {}, { queue: 'mail' })
  await w.runs.drive(asleep)
  await w.runs.start(sleeper, {}, { queue: 'mail' })
  const aside = await w.runs.start(sleeper, {}, { queue: 'constructor' })
  await w.runs.quarantine(aside, { reason: 'looks odd' })
  const all = { ready: 1, suspended: 1, quarantined: 1, held: 0, indexLag: 0 }
  await eventually(() => supervisor.metrics()).toMatchObject(all)
  const { queues, state, running, driven, commits } = await supervisor.metrics()
  expect({ state, running, driven, commits }).toEqual({
    ...{ state: 'running', running: 0, driven: 0 },
    // Nobody has said how long they take.
    commits: null,
  })
  expect(queues.map(({ waitingMs: _, ...queue }) => queue)).toEqual([
    { queue: 'constructor', ready: 0, due: 0, suspended: 0, held: 0, quarantined: 1, inDoubt: 0 },
    { queue: 'mail', ready: 1, due: 0, suspended: 1, held: 0, quarantined: 0, inDoubt: 0 },
  ])
})

/** Verifies: RUN-R221 */
test('an alert is told when a value passes its threshold, and when it is back', async () => {
  const w = await world({ programs: [sleeper] })
  const alerts: Alert[] = []
  let told = 0
  watched(w, {
    everyMs: 10,
    thresholds: { ready: 1, inDoubt: 0 },
    onMetrics: () => {
      told += 1
    },
    onAlert: (alert) => alerts.push(alert),
  })
  const first = await w.runs.start(sleeper, {}, { queue: 'mail' })
  await w.runs.start(sleeper, {}, { queue: 'mail' })
  await eventually(() => alerts.length).toBe(1)
  await w.runs.quarantine(first, { reason: 'looks odd' })
  await eventually(() => alerts.length).toBe(2)
  expect(alerts.map(({ at: _, ...alert }) => alert)).toEqual([
    { name: 'ready', value: 2, threshold: 1, raised: true },
    { name: 'ready', value: 1, threshold: 1, raised: false },
  ])
  expect(told).toBeGreaterThan(1)
})

/** Verifies: RUN-R221 */
test('a hook that throws is told, and stops nothing', async () => {
  const w = await world({ programs: [sleeper] })
  const errors: unknown[] = []
  const broken = new Error('broken hook')
  const onMetrics = (): never => {
    throw broken
  }
  const supervisor = watched(w, { everyMs: 5, onMetrics }, (error) => errors.push(error))
  await eventually(() => errors.length).toBeGreaterThan(2)
  expect(new Set(errors)).toEqual(new Set([broken]))
  expect(supervisor.status().state).toBe('running')
})

/** Verifies: RUN-R221 */
test.each<[string, MetricsTerms]>([
  ['a name of nothing', { thresholds: { constructor: 1 } as never }],
  ['what is no number', { thresholds: { ready: Number.NaN } }],
  ['less than nothing', { thresholds: { ready: -1 } }],
  ['an interval of nothing', { everyMs: 0 }],
  ['an interval without an end', { everyMs: Number.POSITIVE_INFINITY }],
])('refused with a code: %s', async (_, terms) => {
  const w = await world({ programs: [sleeper] })
  expect(() => watched(w, terms)).toThrow(
    expect.objectContaining({ code: 'ICE_RUNS_SUPERVISOR_UNSUPPORTED' }),
  )
})

/** Verifies: RUN-R222 */
test('the times of commits are those of appends that were made', async () => {
  const w = await world({ programs: [sleeper] })
  const { log, commits } = timedLog(w.log, systemClock)
  expect(commits()).toEqual({ count: 0, p50Ms: null, p99Ms: null, maxMs: null })
  const incarnation = '48c0427b-4f43-4926-a094-99e409c25a14'
  const data = { durability: 'disk', incarnation, since: 1_796_034_382_344, store: 'sqlite' }
  const write = {
    stream: 'runtime/log' as StreamId,
    expectedVersion: 'no_stream' as const,
    events: [{ type: 'LogConfigured', data }],
  }
  await log.append({ writes: [write] })
  const other = { ...write, events: [{ type: 'LogConfigured', data: { ...data, since: 1 } }] }
  await expect(log.append({ writes: [other] })).rejects.toThrow()
  const { count, p50Ms, maxMs } = commits()
  expect(count).toBe(1)
  expect(p50Ms).toBe(maxMs)
})
