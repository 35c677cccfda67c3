/**
 * A process of a race: a *driver* runs programs whose lanes try one effect after another, each
 * under a grant of its own; an *ender* takes those grants away, or stops the run.
 *
 * Both note when an append of theirs began and when it was answered, on the one monotonic clock
 * that all processes of a machine share. Nothing of it decides: the log is judged by position.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { composeTaxonomy, createEventLog, type EventStore, standardTypes } from '@ice/events'
import { errorRecord, hasCode, seededRandom, systemClock } from '@ice/primitives'
import { defineProgram, memoryOwnership } from '@ice/runs'
import { createRuntime } from '@ice/runtime'
import { type LogPlace, openPlace } from './history-store.ts'

/** What a process is told to do. */
export interface RacerJob {
  readonly role: 'driver' | 'ender'
  readonly place: LogPlace
  readonly name: string
  readonly seed: string
  readonly runs: number
  readonly lanes: number
  /** Runs a driver has under way at once. */
  readonly atOnce: number
  /** @units milliseconds within which the rights of one run end */
  readonly spreadMs: number
}

/** From when to when an append was under way. @units nanoseconds of the machine's clock */
export type Span = readonly [began: number, answered: number]

/** A run whose lanes are at work. */
export interface RaceRun {
  readonly run: string
  /** Grants in the order of their lanes. */
  readonly grants: readonly string[]
}

/** What a driver saw of the intents of one grant. */
export interface LaneNote {
  /** The last append that took one. */
  taken: Span | null
  /** The first append that was refused over what it guards, and how many were. */
  refused: Span | null
  refusals: number
}

/** What a process says. */
export type RacerSays =
  | { readonly said: 'ready' }
  | { readonly said: 'run'; readonly run: RaceRun }
  | { readonly said: 'lanes'; readonly notes: readonly (readonly [grant: string, LaneNote])[] }
  | { readonly said: 'ended'; readonly what: string; readonly span: Span }
  | { readonly said: 'failed'; readonly why: string }

const say = (says: RacerSays): void => {
  process.send?.(says)
}

const tick = (): number => Number(process.hrtime.bigint())

/** A lane that tries so often without being refused has outlived its race. */
const TRIES_MAX = 2_000

const any = { parse: (value: unknown): unknown => value }

const lanes = defineProgram({
  name: 'lanes',
  version: '1',
  input: any,
  output: any,
  async run(context, input) {
    const lane = async (at: number): Promise<number> => {
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        const request = { action: 'race.touch', grant: `g${at}`, arguments: {} }
        const outcome = await context.attempt(`${at}/${tries}`, request)
        if (outcome.kind === 'denied') return tries
      }
      throw new TypeError('a lane was never refused')
    }
    return Promise.all(Array.from({ length: input as number }, (_, at) => lane(at)))
  },
})

/** Notes when each append that holds an intent was under way, by the grant it guards. */
const noting = (store: EventStore, notes: Map<string, LaneNote>): EventStore => ({
  ...store,
  async append(unit) {
    const guarded = (unit.guards ?? []).flatMap(({ stream }) => notes.get(stream) ?? [])
    const began = tick()
    try {
      const appended = await store.append(unit)
      for (const note of guarded) note.taken = [began, tick()]
      return appended
    } catch (error) {
      if (hasCode(error, 'ICE_EVENTS_GUARD_CONFLICT')) {
        for (const note of guarded) {
          note.refused ??= [began, tick()]
          note.refusals += 1
        }
      }
      throw error
    }
  },
})

const drive = async (job: RacerJob): Promise<void> => {
  const random = seededRandom(job.seed)
  const notes = new Map<string, LaneNote>()
  const store = noting(await openPlace(job.place, systemClock), notes)
  const touch = {
    action: 'race.touch',
    fate: 'observe',
    outcome: 'EffectSucceeded',
    arguments: { parse: () => ({}) },
    resource: () => ({ name: 'race.touch' }),
    async perform({ signal }: { readonly signal: AbortSignal }) {
      if (random.float() < 0.1) await sleep(random.float() * 60)
      if (signal.aborted) throw Object.assign(new Error('late'), { code: 'ICE_RACE_ABORTED' })
      return { value: null, observed: {} }
    },
  } as const
  const ownership = memoryOwnership().join(job.name)
  const programs = [lanes]
  const runtime = await createRuntime({ store, ownership, bare: true, effects: [touch], programs })
  say({ said: 'ready' })
  const resource = { kind: 'tool', name: 'race.touch' } as const
  const spec = { actions: ['race.touch'], resource }
  const names = Array.from({ length: job.lanes }, (_, at) => `g${at}`)
  const one = async (): Promise<void> => {
    const grants = Object.fromEntries(names.map((name) => [name, spec]))
    const run = await runtime.runs.start(lanes, job.lanes, { grants })
    const { grants: bound } = await runtime.runs.view(run)
    const ids = names.map((name) => bound[name] as string)
    const noted = ids.map((id) => {
      const note: LaneNote = { taken: null, refused: null, refusals: 0 }
      notes.set(`grant/${id}`, note)
      return [id, note] as const
    })
    let isAtWork = false
    const stretch = await runtime.runs.drive(run, {
      // The race begins once the lanes are at work: before, nothing would be under way.
      onEvent({ type }) {
        if (isAtWork || type !== 'CapabilityUsed') return
        isAtWork = true
        say({ said: 'run', run: { run, grants: ids } })
      },
    })
    if (stretch.kind !== 'concluded' || stretch.result.conclusion !== 'committed') {
      throw new TypeError(`a run of lanes came to ${JSON.stringify(stretch).slice(0, 500)}`)
    }
    say({ said: 'lanes', notes: noted })
    for (const id of ids) notes.delete(`grant/${id}`)
  }
  let left = job.runs
  const several = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1
      await one()
    }
  }
  await Promise.all(Array.from({ length: job.atOnce }, several))
  await runtime.close()
  await store.close()
}

const end = async (job: RacerJob): Promise<void> => {
  const random = seededRandom(job.seed)
  const store = await openPlace(job.place, systemClock)
  const taxonomy = composeTaxonomy(standardTypes)
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  const append = async (stream: string, version: number, type: string, data: object) => {
    const began = tick()
    const writes = [{ stream, expectedVersion: version, events: [{ type, data }] }]
    await log.append({ writes } as never)
    say({ said: 'ended', what: stream, span: [began, tick()] })
  }
  const pending = new Set<Promise<void>>()
  /** One half grant by grant, at moments of their own; the other half by one stop. */
  const finish = async ({ run, grants }: RaceRun): Promise<void> => {
    const half = Math.ceil(grants.length / 2)
    const revoked = grants.slice(0, half).map(async (grant) => {
      await sleep(random.float() * job.spreadMs)
      await append(`grant/${grant}`, 1, 'CapabilityRevoked', { grant, reason: 'race' })
    })
    await sleep(random.float() * job.spreadMs)
    const scope = `run/${run}`
    await append(`stop/${scope}`, 0, 'AuthorityStopped', { scope, reason: 'race' })
    await Promise.all(revoked)
  }
  const { promise: over, resolve } = Promise.withResolvers<void>()
  process.on('message', (told: RaceRun | 'over') => {
    if (told === 'over') return resolve()
    const work = finish(told).catch(fail)
    pending.add(work)
    void work.finally(() => pending.delete(work))
  })
  say({ said: 'ready' })
  await over
  await Promise.all(pending)
  await store.close()
}

const fail = (error: unknown): void => {
  const { code, message } = errorRecord(error)
  say({ said: 'failed', why: `${code}: ${message}\n${error instanceof Error ? error.stack : ''}` })
}

// Read by the prover for its types too: only a process that was told a job works.
const [, , told] = process.argv
if (process.send !== undefined && told !== undefined) {
  const job = JSON.parse(told) as RacerJob
  await (job.role === 'driver' ? drive(job) : end(job)).catch(fail)
  process.disconnect?.()
}
