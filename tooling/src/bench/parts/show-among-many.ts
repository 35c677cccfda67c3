/**
 * A run is shown from its own stream: how long that takes in a log of one run, and in one in which
 * it stands among very many events of others.
 *
 * Both logs are files of the same store. What is measured is what `ice show` reads: the head, the
 * stream, and its fold.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectStream, type StreamWrite } from '@ice/events'
import { createIds, type RunId, type StreamId, systemClock, systemRandom } from '@ice/primitives'
import { runProjection, sealValue, viewOf } from '@ice/runs'
import type { Runtime } from '@ice/runtime'
import { type Figure, figure } from '../../harness/figure.ts'
import { compete } from '../../harness/rounds.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { echoes, echoRuntime, runOnce } from './echoes.ts'

const EVENTS = 200_000
const EVENTS_FULL = 10_000_000
const STREAMS = 16
const PER_STREAM = 16
const SHOWS = 200

const three = echoes(3)

/** Measures it. */
export async function showAmongMany({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-show-'))
  const open = (name: string): Promise<Runtime> => echoRuntime(join(folder, name))
  const [few, many] = [await open('few.db'), await open('many.db')]
  try {
    const alone = await runOnce(few, three)
    const total = full ? EVENTS_FULL : EVENTS
    await fill(many, total / 2)
    const among = await runOnce(many, three)
    await fill(many, total / 2)
    const { position } = await many.log.store.head()
    say(`a run is shown among ${position.toLocaleString('en-US')} events, and alone`)
    const contest = await compete({
      rounds: full ? 9 : 5,
      ours: () => rate(many, among),
      peer: () => rate(few, alone),
    })
    return [
      figure('P6-show', {
        value: contest.ours,
        unit: 'shows/s',
        against: `${Math.round(contest.peer)} shows/s in a log of one run`,
        ratio: contest.ratio,
      }),
    ]
  } finally {
    await few.close()
    await many.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function rate({ log }: Runtime, run: RunId): Promise<number> {
  const start = performance.now()
  for (let left = SHOWS; left > 0; left -= 1) {
    await log.store.head()
    const stream = `run/${run}` as StreamId
    const { state } = await projectStream(log, runProjection, { stream })
    if (viewOf(state).state !== 'TERMINATED') throw new Error('the run has not ended')
  }
  return SHOWS / ((performance.now() - start) / 1_000)
}

/** Events of others: signals in the inboxes of runs that never were. */
async function fill({ log }: Runtime, events: number): Promise<void> {
  const ids = createIds({ clock: systemClock, random: systemRandom })
  const { ref, digest } = sealValue({ sum: 7, currency: 'EUR', of: 'somebody else' })
  const event = { type: 'SignalReceived', data: { signal: 'paid', payload: ref, digest } }
  const principal = 'os:bench' as never
  for (let left = events; left > 0; ) {
    const units: Promise<unknown>[] = []
    for (let at = 0; at < 8 && left > 0; at += 1) {
      const writes = Array.from(
        { length: STREAMS },
        (): StreamWrite => ({
          stream: `inbox/${ids.nextRunId()}` as StreamId,
          expectedVersion: 'no_stream',
          events: Array.from({ length: PER_STREAM }, () => ({ ...event, principal })),
        }),
      )
      units.push(log.append({ writes }))
      left -= STREAMS * PER_STREAM
    }
    await Promise.all(units)
  }
}
