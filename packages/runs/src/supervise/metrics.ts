/**
 * What a worker can be watched by: counts of the index, how far it is behind, how long commits
 * take, and the status of the supervisor; and who is told when one of them passes a threshold.
 *
 * 1. Metrics are read, never kept: nothing here counts events that another process would count
 *    otherwise. Only the times of commits are this process's own.
 * 2. A reading looks at every run that is not ended. One serves whoever asks within a second.
 * 3. An alert is told when its value passes the threshold, and once more when it is back.
 */

import type { EventLog } from '@ice/events/ports'
import type { Clock, JsonObject, Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import type { QueueCount } from '../index-ports.ts'
import {
  COMMIT_TIMES_KEPT,
  METRICS_FRESH_MS,
  METRICS_INTERVAL_MS,
  METRICS_INTERVAL_MS_MAX,
} from '../limits.ts'
import type {
  Alert,
  CommitTimes,
  MetricName,
  QueueMetrics,
  SupervisorInit,
  SupervisorStatus,
  WorkMetrics,
} from './ports.ts'

/** Times the appends that are made through a log. The log is the same but for that. */
export function timedLog(
  log: EventLog,
  clock: Clock,
): { readonly log: EventLog; readonly commits: () => CommitTimes } {
  const times = new Float64Array(COMMIT_TIMES_KEPT)
  let count = 0
  const timed: EventLog = {
    taxonomy: log.taxonomy,
    store: log.store,
    async append(request) {
      const began = clock.monotonicMs()
      const appended = await log.append(request)
      // One that was refused says nothing of the disk.
      times[count % COMMIT_TIMES_KEPT] = clock.monotonicMs() - began
      count += 1
      return appended
    },
    read: (query) => log.read(query),
    readAll: (query) => log.readAll(query),
    subscribe: (query) => log.subscribe(query),
    event: (id) => log.event(id),
  }
  return {
    log: timed,
    commits() {
      const recent = times.slice(0, Math.min(count, COMMIT_TIMES_KEPT)).sort()
      const at = (part: number): number | null =>
        recent[Math.max(Math.ceil(recent.length * part) - 1, 0)] ?? null
      return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
    },
  }
}

/** The values that a threshold may be set for. A value that is `null` passes none. */
const VALUES: Readonly<Record<MetricName, (metrics: WorkMetrics) => number | null>> = {
  ready: ({ ready }) => ready,
  due: ({ due }) => due,
  held: ({ held }) => held,
  suspended: ({ suspended }) => suspended,
  inDoubt: ({ inDoubt }) => inDoubt,
  quarantined: ({ quarantined }) => quarantined,
  setbacks: ({ setbacks }) => setbacks,
  running: ({ running }) => running,
  indexLag: ({ indexLag }) => indexLag,
  waitingMs: ({ waitingMs }) => waitingMs,
  quietMs: ({ quietMs }) => quietMs,
  commitP99Ms: ({ commits }) => commits?.p99Ms ?? null,
}

/** What metrics are read from. */
export type MetricsInit = Pick<
  SupervisorInit,
  'clock' | 'commits' | 'index' | 'metrics' | 'onError'
> & { readonly status: () => SupervisorStatus }

/** Reads metrics, and tells who wants to be told. */
export class Metrics {
  readonly #init: MetricsInit
  readonly #everyMs: number
  readonly #thresholds: readonly (readonly [MetricName, number])[]
  readonly #raised = new Set<MetricName>()
  #reading: { readonly at: number; readonly metrics: Promise<WorkMetrics> } | null = null

  /** @throws `ICE_RUNS_SUPERVISOR_UNSUPPORTED` for an interval or a threshold that is none */
  constructor(init: MetricsInit) {
    const { everyMs = METRICS_INTERVAL_MS, thresholds = {} } = init.metrics ?? {}
    const isTime = Number.isSafeInteger(everyMs) && everyMs >= 1
    if (!isTime || everyMs > METRICS_INTERVAL_MS_MAX) {
      const most = METRICS_INTERVAL_MS_MAX
      throw unsupported(`Metrics are told every 1 to ${most} ms`, { everyMs: String(everyMs) })
    }
    for (const [name, value] of Object.entries(thresholds)) {
      if (Object.hasOwn(VALUES, name) && Number.isFinite(value) && value >= 0) continue
      const message = `"${name}" has no threshold, or it is no number from 0 up`
      throw unsupported(message, { name })
    }
    this.#init = init
    this.#everyMs = everyMs
    this.#thresholds = Object.entries(thresholds) as [MetricName, number][]
  }

  /** The metrics as they are, or were less than a second ago. @throws what the index throws */
  read(): Promise<WorkMetrics> {
    const now = this.#init.clock.monotonicMs()
    const last = this.#reading
    if (last !== null && now - last.at < METRICS_FRESH_MS) return last.metrics
    const metrics = readMetrics(this.#init)
    const reading = { at: now, metrics }
    this.#reading = reading
    // What has failed is asked for again.
    metrics.catch(() => {
      if (this.#reading === reading) this.#reading = null
    })
    return metrics
  }

  /** Tells them until it is told to end. Nobody is told where nobody wants to be. */
  async tell(signal: AbortSignal): Promise<void> {
    const { clock, metrics: { onMetrics, onAlert } = {}, onError } = this.#init
    if (onMetrics === undefined && onAlert === undefined) return
    while (!signal.aborted) {
      try {
        const metrics = await this.read()
        onMetrics?.(metrics)
        for (const alert of this.#alerts(metrics)) onAlert?.(alert)
      } catch (error) {
        onError?.(error, null)
      }
      await clock.sleep(this.#everyMs, { signal }).catch(() => undefined)
    }
  }

  #alerts(metrics: WorkMetrics): readonly Alert[] {
    return this.#thresholds.flatMap(([name, threshold]): readonly Alert[] => {
      const value = VALUES[name](metrics) ?? 0
      const isOver = value > threshold
      if (isOver === this.#raised.has(name)) return []
      if (isOver) this.#raised.add(name)
      else this.#raised.delete(name)
      return [{ name, value, threshold, raised: isOver, at: metrics.at }]
    })
  }
}

function unsupported(message: string, data: JsonObject): RunsError {
  return new RunsError(RUNS_CODES.supervisorInvalid, message, data)
}

async function readMetrics({ clock, index, commits, status }: MetricsInit): Promise<WorkMetrics> {
  const at = clock.now()
  const [counts, indexLag] = await Promise.all([index.counts(at), index.lag()])
  const queues = queuesOf(counts, at)
  const { state, ready: takes, running, setbacks, driven, failed, quietMs } = status()
  const sum = (value: (queue: QueueMetrics) => number): number =>
    queues.reduce((total, queue) => total + value(queue), 0)
  return {
    ...{ at, state, takes, quietMs, running, setbacks, driven, failed },
    ready: sum(({ ready }) => ready),
    due: sum(({ due }) => due),
    suspended: sum(({ suspended }) => suspended),
    held: sum(({ held }) => held),
    quarantined: sum(({ quarantined }) => quarantined),
    inDoubt: sum(({ inDoubt }) => inDoubt),
    waitingMs: Math.max(0, ...queues.map(({ waitingMs }) => waitingMs)),
    indexLag,
    commits: commits?.() ?? null,
    queues,
  }
}

const COLUMN = {
  ready: 'ready',
  asleep: 'suspended',
  held: 'held',
  quarantined: 'quarantined',
} as const

function queuesOf(counts: readonly QueueCount[], at: Timestamp): readonly QueueMetrics[] {
  const queues = new Map<string, { -readonly [K in keyof QueueMetrics]: QueueMetrics[K] }>()
  for (const { queue, standing, runs, inDoubt, due, oldest } of counts) {
    if (standing === 'ended') continue
    const none = { ready: 0, due: 0, suspended: 0, held: 0, quarantined: 0, inDoubt: 0 }
    const one = queues.get(queue) ?? { queue, ...none, waitingMs: 0 }
    one[COLUMN[standing]] += runs
    one.due += due
    one.inDoubt += inDoubt
    if (standing === 'ready') one.waitingMs = Math.max(at - oldest, 0)
    queues.set(queue, one)
  }
  return [...queues.values()]
}
