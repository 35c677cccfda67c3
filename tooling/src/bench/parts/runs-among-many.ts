/**
 * How long it takes to show, to start and to resume a run, in a log of few events, and in one in
 * which it stands among very many events of others.
 *
 * Both logs are files of the same store. Shown is what `ice show` reads: the head, the stream, and
 * its fold. Started is a governed run of three effects, to its end. Resumed is a run that waits, by
 * a runtime that is opened on the file for it, as by another process: what opening costs counts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectStream, type StreamWrite } from '@ice/events'
import { createIds, type RunId, type StreamId, systemClock, systemRandom } from '@ice/primitives'
import { defineProgram, runProjection, sealValue, viewOf } from '@ice/runs'
import { createRuntime, type Runtime } from '@ice/runtime'
import { type Figure, figure } from '../../harness/figure.ts'
import { type ContestResult, compete } from '../../harness/rounds.ts'
import type { FigureId } from '../../harness/targets.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { any, echoes, echoRuntime, runOnce } from './echoes.ts'

const EVENTS = 200_000
const EVENTS_FULL = 10_000_000
const STREAMS = 16
const PER_STREAM = 16
const SHOWS = 200
const STARTS = 50
const RESUMES = 5

const three = echoes(3)

const waiting = defineProgram({
  name: 'waiting',
  version: '1',
  input: any,
  output: any,
  signals: { go: any },
  run: async (ctx) => ctx.signal('wait', 'go'),
})

/** Measures it. */
export async function runsAmongMany({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-among-'))
  const paths = { few: join(folder, 'few.db'), many: join(folder, 'many.db') }
  const rounds = full ? 9 : 5
  try {
    const [few, many] = [await echoRuntime(paths.few), await echoRuntime(paths.many)]
    const alone = await runOnce(few, three)
    const total = full ? EVENTS_FULL : EVENTS
    await fill(many, total / 2)
    const among = await runOnce(many, three)
    await fill(many, total / 2)
    const { position } = await many.log.store.head()
    say(`a run is shown, started and resumed among ${position.toLocaleString('en-US')} events`)
    const shown = await compete({
      rounds,
      ours: () => shows(many, among),
      peer: () => shows(few, alone),
    })
    const started = await compete({ rounds, ours: () => starts(many), peer: () => starts(few) })
    await Promise.all([few.close(), many.close()])
    const resumed = await compete({
      rounds,
      ours: () => resumes(paths.many),
      peer: () => resumes(paths.few),
    })
    return [told('P6-show', shown), told('P6-start', started), told('P6-resume', resumed)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function told(id: FigureId, { ours, peer, ratio }: ContestResult): Figure {
  const against = `${peer.toFixed(peer < 100 ? 1 : 0)} a second in a log of few events`
  return figure(id, { value: ours, unit: 'a second', against, ratio })
}

async function starts(ice: Runtime): Promise<number> {
  const start = performance.now()
  for (let left = STARTS; left > 0; left -= 1) await runOnce(ice, three)
  return STARTS / ((performance.now() - start) / 1_000)
}

/** Runs that wait are resumed one after the other, each by a runtime of its own. */
async function resumes(path: string): Promise<number> {
  const open = (): Promise<Runtime> => createRuntime({ path, bare: true, programs: [waiting] })
  const ice = await open()
  const runs: RunId[] = []
  for (let left = RESUMES; left > 0; left -= 1) {
    const { run, stretch } = await ice.runs.execute(waiting, {})
    if (stretch.kind !== 'suspended') throw new TypeError(`a run does not wait: ${stretch.kind}`)
    await ice.runs.signal(run, { signal: 'go' })
    runs.push(run)
  }
  await ice.close()
  const start = performance.now()
  for (const run of runs) {
    const heir = await open()
    const stretch = await heir.runs.drive(run)
    if (stretch.kind !== 'concluded') throw new TypeError(`a run goes not on: ${stretch.kind}`)
    await heir.close()
  }
  return RESUMES / ((performance.now() - start) / 1_000)
}

async function shows({ log }: Runtime, run: RunId): Promise<number> {
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
