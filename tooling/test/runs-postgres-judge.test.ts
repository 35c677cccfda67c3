/**
 * The judge of R9 accepts what happened, and refuses a history in which any one promise is broken:
 * runs of all its programs, under a store in memory, and one lie at a time.
 */
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { EventStore, RecordedEvent } from '@ice/events/ports'
import { type RunId, systemClock } from '@ice/primitives'
import { memoryOwnership, memoryRunRows } from '@ice/runs'
import type { RunRow } from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'
import { judgeEffects } from '@ice/tooling/prove/parts/runs-postgres-effects'
import { type JudgeRunsInit, judgeRuns } from '@ice/tooling/prove/parts/runs-postgres-judge'
import { PROGRAMS, PROVED } from '@ice/tooling/prove/parts/runs-postgres-programs'
import {
  type ActLine,
  type AppendLine,
  asking,
  handlersOf,
  noting,
} from '@ice/tooling/prove/parts/runs-postgres-traces'
import { describe, expect, it } from 'vitest'

const WORKER = 'w1.1'

/** One run of each program, driven to its end by one worker; the starter and people beside it. */
async function history(): Promise<JudgeRunsInit & { readonly store: EventStore }> {
  const store = memoryEventStore({ clock: systemClock })
  const owners = memoryOwnership()
  const [acts, appends]: [ActLine[], AppendLine[]] = [[], []]
  const common = { bare: true, drivesChildren: false, programs: PROGRAMS }
  const starter = await createRuntime({ ...common, store, ownership: owners.join('starter') })
  const { ownership, askedAt } = asking(owners.join('the owner'))
  const runtime = await createRuntime({
    ...{ ...common, ownership },
    store: noting(store, WORKER, (line) => appends.push(line)),
    effects: handlersOf(WORKER, (line) => acts.push(line), askedAt),
  })
  const supervisor = await runtime.supervise()
  const runs: RunId[] = []
  for (const { program, grants, signal } of PROVED.values()) {
    const n = runs.length
    const run = await starter.runs.start(program, n, { key: `r9/${n}`, queue: 'work', grants })
    runs.push(run)
    if (signal !== undefined) await starter.runs.signal(run, { signal, payload: 'go' })
  }
  const asks = runs[[...PROVED.keys()].indexOf('r9-waits')] as RunId
  await expect
    .poll(async () => (await starter.runs.view(asks)).waitingFor, { timeout: 30_000 })
    .toHaveLength(1)
  await starter.runs.answer(asks, { step: 'sure', approved: true })
  await expect
    .poll(async () => states(await Promise.all(runs.map((run) => starter.runs.view(run)))), {
      timeout: 30_000,
    })
    .toEqual(['TERMINATED'])
  await supervisor.drain()
  await runtime.close()
  await starter.close()
  const named = new Map([[WORKER, 'the owner']])
  return { store, rows: memoryRunRows(), acts, appends, owners: named }
}

const states = (views: readonly { readonly state: string }[]): readonly string[] => [
  ...new Set(views.map(({ state }) => state)),
]

/** Events that nobody may append, as whoever broke the runtime would. */
async function forge(
  store: EventStore,
  fits: (type: string, data: Record<string, unknown>) => boolean,
): Promise<void> {
  const taxonomy = composeTaxonomy(standardTypes)
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  for await (const batch of log.readAll({ filter: { streamPrefix: 'run/' } })) {
    for (const { stream, type, data } of batch) {
      if (!fits(type, data as Record<string, unknown>)) continue
      const writes = [{ stream, expectedVersion: 'any', events: [{ type, data }] }]
      await log.append({ writes } as never)
      return
    }
  }
  throw new TypeError('there is no such event')
}

const acted = (acts: readonly ActLine[], action: string): ActLine =>
  acts.find((act) => act.at === 'acted' && act.action === action) as ActLine

type History = Awaited<ReturnType<typeof history>>

/** What is broken, how, and what the judge says of it. */
const LIES: readonly (readonly [
  name: string,
  says: RegExp,
  lie: (truth: History) => History | Promise<History>,
])[] = [
  [
    'a second conclusion',
    /has the conclusions RunCommitted,RunCommitted/,
    async (truth) => {
      await forge(truth.store, (type) => type === 'RunCommitted')
      return truth
    },
  ],
  [
    'an event behind the end',
    /the last event of .* is EffectSucceeded/,
    async (truth) => {
      await forge(truth.store, (type) => type === 'EffectSucceeded')
      return truth
    },
  ],
  [
    'an act without an intent',
    /acts without an intent that is in the log/,
    (truth) => {
      const [one] = truth.acts
      return { ...truth, acts: [{ ...(one as ActLine), intent: 'run/x@1' }] }
    },
  ],
  [
    'two calls on one intent',
    /is called twice on one intent/,
    (truth) => ({ ...truth, acts: [...truth.acts, ...truth.acts.slice(0, 1)] }),
  ],
  [
    'an irreversible effect that acts twice',
    /pay .* has acted 2 times/,
    (truth) => {
      const again = { ...acted(truth.acts, 'pay'), intent: 'another' }
      return { ...truth, acts: [...truth.acts, again] }
    },
  ],
  [
    'a repetition under another key',
    /put .* has acted under two keys/,
    (truth) => {
      const again = { ...acted(truth.acts, 'put'), intent: 'another', key: 'another' }
      return { ...truth, acts: [...truth.acts, again] }
    },
  ],
  [
    'an act of which the log has no outcome',
    /has acted, and its run has 0 outcomes of it/,
    (truth) => {
      const more = { ...acted(truth.acts, 'put'), effect: 'other', key: 'other' }
      return { ...truth, acts: [...truth.acts, more] }
    },
  ],
  [
    'an acknowledged append that is not there',
    /was acknowledged to w1\.1, and is another/,
    (truth) => {
      const kept = truth.appends.find(({ is }) => is === 'kept') as AppendLine
      return { ...truth, appends: [...truth.appends, { ...kept, from: 10_000 }] }
    },
  ],
  [
    'an event of a former owner',
    /was written by a zombie, and the owner owns it/,
    (truth) => {
      const appends = truth.appends.map((line) => ({ ...line, who: 'w0.1' }))
      return { ...truth, appends, owners: new Map([['w0.1', 'a zombie']]) }
    },
  ],
  [
    'an event that nobody has tried to append',
    /nobody has tried to append/,
    (truth) => ({ ...truth, appends: [] }),
  ],
  [
    'an index that tells of a run otherwise',
    /the index is not what the log says/,
    (truth) => {
      const { rows } = truth
      const find = async (query: Parameters<typeof rows.find>[0]): Promise<readonly RunRow[]> =>
        (await rows.find(query)).map((row) => ({ ...row, crashes: row.crashes + 1 }))
      return { ...truth, rows: { ...rows, find } }
    },
  ],
]

describe('the judge of runs on PostgreSQL', () => {
  it('accepts a history in which nothing is broken, and counts what it has seen', async () => {
    const verdict = await judgeRuns(await history())
    // Two children beside the runs that were started.
    expect(verdict).toMatchObject({ runs: PROVED.size + 2, takeovers: 0, repeated: 0, undone: 3 })
    expect(verdict.acts).toBeGreaterThan(20)
  }, 60_000)

  it.each(LIES)(
    'refuses %s',
    async (_, says, lie) => {
      await expect(judgeRuns(await lie(await history()))).rejects.toThrow(says)
    },
    60_000,
  )
})

describe('the judge of effects', () => {
  const run = '0192a1b2-c3d4-7000-8000-000000000001' as RunId
  const event = (version: number, type: string, data: object, time = version): RecordedEvent =>
    ({ id: `run/${run}@${version}`, stream: `run/${run}`, version, type, data, time }) as never
  const intent = (version: number, attempt: number): RecordedEvent =>
    event(version, 'CapabilityUsed', { effect: 'pay', attempt, fate: 'irreversible' })
  const succeeded = (version: number, of: number): RecordedEvent =>
    event(version, 'EffectSucceeded', { effect: 'pay', intent: `run/${run}@${of}`, result: {} })
  const claim = event(2, 'RunClaimed', { owner: 'heir', epoch: 2 }, 1_000)
  const call = (more: Partial<ActLine>): ActLine => ({
    ...{ at: 'called', who: WORKER, run, effect: 'pay', action: 'pay', undoes: false, attempt: 1 },
    ...{ intent: `run/${run}@1`, key: `${run}/pay`, time: 1_500, ...more },
  })
  const owners = new Map([[WORKER, 'the owner']])
  const judged = (events: readonly RecordedEvent[], acts: readonly ActLine[]) =>
    judgeEffects(new Map([[run, events]]), acts, owners)

  it('refuses an act that a former owner begins behind the claim of another', () => {
    const events = [intent(1, 1), claim, succeeded(3, 1)]
    expect(() => judged(events, [call({})])).toThrow(/begins 500 ms after/)
    expect(judged(events, [call({ time: 1_000 })])).toEqual({ repeated: 0, undone: 0 })
  })

  it('refuses another attempt of what is irreversible while nobody knows of the first', () => {
    const resolved = (happened: boolean): RecordedEvent =>
      event(3, 'EffectDoubtResolved', { effect: 'pay', happened })
    const doubt = event(2, 'EffectInDoubt', { effect: 'pay', intent: `run/${run}@1` })
    const again = (said: readonly RecordedEvent[]) => [
      ...[intent(1, 1), ...said, intent(4, 2), succeeded(5, 4)],
    ]
    expect(() => judged(again([]), [])).toThrow(/nobody said that it did not happen/)
    expect(() => judged(again([doubt]), [])).toThrow(/tries "pay" again, which is in doubt/)
    expect(() => judged(again([doubt, resolved(true)]), [])).toThrow(/which is in doubt/)
    expect(judged(again([doubt, resolved(false)]), [])).toEqual({ repeated: 0, undone: 0 })
  })

  it('refuses a second outcome, and none', () => {
    const twice = [intent(1, 1), succeeded(2, 1), succeeded(3, 1)]
    expect(() => judged(twice, [])).toThrow(/comes behind/)
    expect(() => judged([intent(1, 1)], [])).toThrow(/there is no outcome of pay/)
  })
})
