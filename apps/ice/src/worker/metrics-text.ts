/**
 * Metrics as Prometheus reads them: text, one line for each value, with what it means above it.
 *
 * Names of queues are data: they are escaped, and of very many only the longest are told one by
 * one. The values without a label are always of all of them.
 *
 * @source Prometheus text format 0.0.4
 */
import type { CommitTimes, QueueMetrics, WorkMetrics } from '@ice/runs'
import { METRIC_QUEUES_MAX } from '../limits.ts'

/** The media type of the format. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Told = readonly [name: string, type: 'counter' | 'gauge', help: string, value: number | null]

const STANDINGS = ['ready', 'due', 'suspended', 'held', 'quarantined'] as const

/** The text. It ends with a line break, and a value that is not known is left out. */
export function metricsText(metrics: WorkMetrics): string {
  const { queues } = metrics
  const told = [...queues].sort(byDepth).slice(0, METRIC_QUEUES_MAX)
  const lines = [...single(metrics), ...commits(metrics.commits)].flatMap(
    ([name, type, help, value]) =>
      value === null ? [] : [...head(name, type, help), `${name} ${value}`],
  )
  lines.push(...head('ice_queue_runs', 'gauge', 'Runs of a queue that are not ended, by standing.'))
  for (const queue of told) {
    for (const standing of STANDINGS) {
      const labels = `queue="${escaped(queue.queue)}",standing="${standing}"`
      lines.push(`ice_queue_runs{${labels}} ${queue[standing]}`)
    }
  }
  const waiting = 'How long the oldest ready run of a queue waits.'
  lines.push(...head('ice_queue_waiting_seconds', 'gauge', waiting))
  for (const { queue, waitingMs } of told) {
    lines.push(`ice_queue_waiting_seconds{queue="${escaped(queue)}"} ${waitingMs / 1_000}`)
  }
  return `${lines.join('\n')}\n`
}

function single(now: WorkMetrics): readonly Told[] {
  const gauge = (name: string, help: string, value: number): Told => [name, 'gauge', help, value]
  return [
    gauge('ice_runs_ready', 'Runs that somebody should drive.', now.ready),
    gauge('ice_runs_due', 'Suspended runs whose time has come.', now.due),
    gauge('ice_runs_suspended', 'Suspended runs, due ones among them.', now.suspended),
    gauge('ice_runs_held', 'Runs that an owner drives, or did until it died.', now.held),
    gauge('ice_runs_quarantined', 'Runs that are set aside.', now.quarantined),
    gauge('ice_runs_in_doubt', 'Runs with an effect in doubt.', now.inDoubt),
    gauge('ice_runs_waiting_seconds', 'How long the oldest ready run waits.', now.waitingMs / 1e3),
    gauge('ice_index_lag_events', 'Events that the index has not taken in.', now.indexLag),
    gauge('ice_worker_running', 'Runs driven here now.', now.running),
    gauge('ice_worker_setbacks', 'Runs that are tried again here later.', now.setbacks),
    gauge('ice_worker_takes_runs', '1 while it takes runs.', now.takes ? 1 : 0),
    gauge('ice_worker_quiet_seconds', 'Since its loop came around.', now.quietMs / 1_000),
    gauge('ice_queues', 'Queues with a run that is not ended.', now.queues.length),
    ['ice_worker_driven_total', 'counter', 'Stretches driven here.', now.driven],
    ['ice_worker_failed_total', 'counter', 'Stretches that failed here.', now.failed],
  ]
}

function commits(times: CommitTimes | null): readonly Told[] {
  if (times === null) return []
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000)
  const help = (which: string): string => `Latest commits of this process: ${which}.`
  return [
    ['ice_commits_total', 'counter', 'Commits of this process.', times.count],
    ['ice_commit_p50_seconds', 'gauge', help('the median'), seconds(times.p50Ms)],
    ['ice_commit_p99_seconds', 'gauge', help('the 99th percentile'), seconds(times.p99Ms)],
    ['ice_commit_max_seconds', 'gauge', help('the longest'), seconds(times.maxMs)],
  ]
}

function head(name: string, type: string, help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function byDepth(a: QueueMetrics, b: QueueMetrics): number {
  const depth = ({ ready, due }: QueueMetrics): number => ready + due
  return depth(b) - depth(a) || (a.queue < b.queue ? -1 : 1)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
