/** Metrics as text: every line is one that a reader of the format takes. */
import type { Timestamp } from '@ice/primitives'
import type { QueueMetrics, WorkMetrics } from '@ice/runs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { metricsText } from '../src/worker/metrics-text.ts'

const NONE = {
  ...{ ready: 1, due: 2, suspended: 3, held: 4, quarantined: 5, inDoubt: 6, waitingMs: 1_500 },
}

function metrics(queues: readonly QueueMetrics[]): WorkMetrics {
  return {
    ...{ ...NONE, at: 1 as Timestamp, state: 'running', takes: true, quietMs: 20, running: 7 },
    ...{ setbacks: 0, driven: 8, failed: 0, indexLag: 9, queues },
    commits: { count: 3, p50Ms: 1, p99Ms: 2, maxMs: null },
  }
}

const LINE = new RegExp(
  '^(# (HELP|TYPE) ice_[a-z0-9_]+ .+|' +
    'ice_[a-z0-9_]+(\\{queue="([^"\\\\\n]|\\\\[\\\\"n])*"(,standing="[a-z]+")?\\})? [0-9.e+-]+)$',
)

/** Verifies: CLI-R71 */
test('names of queues are data, whatever they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (queue) => {
      const lines = metricsText(metrics([{ ...NONE, queue }])).split('\n')
      expect(lines.pop()).toBe('')
      for (const line of lines) expect(line).toMatch(LINE)
    }),
  )
})

/** Verifies: CLI-R71 */
test('of very many queues the longest are told, and what is not known is left out', () => {
  const many = Array.from({ length: 500 }, (_, at) => ({ ...NONE, queue: `q${at}`, ready: at }))
  const text = metricsText(metrics(many))
  expect(text.match(/^ice_queue_waiting_seconds\{/gm)).toHaveLength(100)
  expect(text).toContain('ice_queue_runs{queue="q499",standing="ready"} 499')
  expect(text).toContain('\nice_queues 500\n')
  expect(text).toContain('\nice_commit_p99_seconds 0.002\n')
  expect(text).not.toContain('ice_commit_max_seconds')
})
