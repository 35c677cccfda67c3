/** Implementations that break one promise each, of batches, breakers, schedules and supervisors. */

import type { AppendRequest, NewEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import type { RunsInit } from '../src/components.ts'
import {
  createRuns,
  createSchedules,
  memoryRunRows,
  memoryTurns,
  type SchedulesInit,
} from '../src/index.ts'
import type { BatchReport, EffectCall, EffectHandler, TurnRequest } from '../src/ports.ts'
import type { SimulatedParts } from '../src/testing/index.ts'

/** What breaks a promise, and what a simulation says of it. */
export interface Saboteur {
  readonly parts: SimulatedParts
  readonly says: RegExp
}

/** Runs whose handlers are others. */
function handlers(change: (handler: EffectHandler) => Partial<EffectHandler>): SimulatedParts {
  return {
    runs: (init) => {
      const effects = init.effects.map((each) => ({ ...each, ...change(each) }))
      return createRuns({ ...init, effects })
    },
  }
}

/** Runs whose log is told something else than they say. */
function tellingLog(change: (request: AppendRequest) => AppendRequest): SimulatedParts {
  return {
    runs: (init: RunsInit) => {
      const { log } = init
      return createRuns({
        ...init,
        log: { ...log, append: (request) => log.append(change(request)) },
      })
    },
  }
}

/** Each event of a type, made another. */
function changing(type: string, change: (data: never) => object | null) {
  const changed = (event: NewEvent): readonly NewEvent[] => {
    if (event.type !== type) return [event]
    const data = change(event.data as never)
    return data === null ? [] : [{ ...event, data }]
  }
  return (request: AppendRequest): AppendRequest => ({
    ...request,
    writes: request.writes.map((write) => ({ ...write, events: write.events.flatMap(changed) })),
  })
}

const isSecond = ({ idempotencyKey }: Pick<EffectCall, 'idempotencyKey'>): boolean =>
  idempotencyKey.endsWith('/1')

/** Calls a handler for each call of a batch, and makes something else of the reports. */
function reporting(change: (reports: BatchReport[]) => readonly BatchReport[]): SimulatedParts {
  return handlers(({ perform }) => ({
    performBatch: async ({ items, ...common }) => {
      const reports: BatchReport[] = []
      for (const item of items) {
        try {
          reports.push(await perform({ ...common, ...item }))
        } catch (error) {
          reports.push({ error })
        }
      }
      return change(reports)
    },
  }))
}

const done = { value: 'done', observed: {} }
const gone = { error: Object.assign(new Error('gone'), { code: 'ICE_TEST_GONE' }) }

/** Of batches. */
export const OUTCOMES: Readonly<Record<string, Saboteur>> = {
  'a handler that says of a call that it was done': {
    parts: handlers(({ perform }) => ({
      perform: async (call) => (isSecond(call) ? done : perform(call)),
    })),
    says: /says otherwise, but call 1 of .* was not done/,
  },
  'a handler that forgets what a call came to': {
    parts: reporting((reports) => reports.map((each, n) => (n === 1 ? gone : each))),
    says: /says otherwise, but call 1 of .* was done/,
  },
  'a handler that makes one call of a batch twice': {
    parts: handlers(({ perform }) => ({
      perform: async (call) => {
        if (isSecond(call)) await perform(call)
        return perform(call)
      },
    })),
    says: /acts twice on one intent|repeats what is irreversible/,
  },
  'a handler that fails a batch of which some was done': {
    parts: reporting((reports) => reports.map(() => gone)),
    says: /of which call 0 was done/,
  },
  'a log that drops one of many outcomes': {
    parts: tellingLog(
      changing('EffectSucceeded', (data: { result: { inline?: unknown } }) => {
        const { inline } = data.result
        return Array.isArray(inline) ? { ...data, result: { inline: inline.slice(1) } } : data
      }),
    ),
    says: /outcomes of \d+ calls/,
  },
}

/** Of what is recorded of one effect. */
export const EFFECTS: Readonly<Record<string, Saboteur>> = {
  'a handler that says of an effect that it succeeded': {
    parts: handlers(() => ({ perform: async () => done })),
    says: /says that .* succeeded, which it did not/,
  },
}

/** Of breakers. */
export const BREAKERS: Readonly<Record<string, Saboteur>> = {
  'a service that knows no breakers': {
    parts: { runs: (init) => createRuns({ ...init, breakers: [] }) },
    says: /tries ".*" past "service"/,
  },
  'a service that acts on what a breaker was': {
    parts: tellingLog((request) => ({
      ...request,
      guards: (request.guards ?? []).filter(({ stream }) => !stream.startsWith('breaker/')),
    })),
    says: /under "service", which is (open|probing)/,
  },
  'a service that opens nothing': {
    parts: tellingLog(changing('BreakerOpened', () => null)),
    says: /makes the count of "service" full, and it is not opened/,
  },
  'a service that probes before the time it has told': {
    parts: tellingLog(
      changing('BreakerOpened', (data: { until: number }) => ({
        ...data,
        until: data.until + 100_000,
      })),
    ),
    says: /probes "service" at \d+, before \d+/,
  },
  'a service that probes what is closed': {
    parts: {
      runs: (init) => {
        const { log } = init
        let isDone = false
        const append: typeof log.append = async (request) => {
          const write = request.writes.find(({ events }) =>
            events.some(({ type }) => type === 'CapabilityUsed'),
          )
          const run = write?.stream.slice('run/'.length) as RunId
          const data = { breaker: 'service', run, effect: 'none', until: 0 }
          const events = [{ type: 'BreakerProbed', data }]
          const stream = 'breaker/service' as never
          if (write !== undefined && !isDone) {
            isDone = true
            await log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
          }
          return log.append(request)
        }
        return createRuns({ ...init, log: { ...log, append } })
      },
    },
    says: /probes "service", which is closed/,
  },
}

type Starts = SchedulesInit['runs']['startScheduled']

/** Schedules over something else than they are given. */
function scheduling(change: (init: SchedulesInit) => Partial<SchedulesInit>): SimulatedParts {
  return { schedules: (init) => createSchedules({ ...init, ...change(init) }) }
}

function starting(start: (begin: Starts) => Starts): SimulatedParts {
  return scheduling(({ runs }) => ({
    runs: {
      // What is not there has ended: else it would be found to be missing.
      view: (run) =>
        runs.view(run).catch(() => ({ state: 'TERMINATED', continuedAs: null }) as never),
      startScheduled: start(runs.startScheduled),
    },
  }))
}

interface Fired {
  readonly due: number
  readonly run?: string
}

/** What a start records of its schedule, made another. */
function firing(change: (fired: Fired) => object): SimulatedParts {
  const changed = changing('ScheduleFired', change)
  return starting((begin) => ({ beside, ...start }) => {
    if (beside === undefined) return begin(start)
    return begin({ ...start, beside: (run) => changed({ writes: beside(run) }).writes })
  })
}

let first: string | undefined

/** Of schedules. */
export const SCHEDULES: Readonly<Record<string, Saboteur>> = {
  'a schedule that starts a run too many': {
    parts: starting((begin) => async (start) => {
      const { beside: _, ...more } = start
      const { key } = start.options ?? {}
      await begin({ ...more, options: { ...start.options, key: `${key} again` } })
      return begin(start)
    }),
    says: /of schedule every is of no time/,
  },
  'a schedule that tells of other times': {
    parts: firing((fired) => ({ ...fired, due: fired.due + 1 })),
    says: /deals with \d+, which is no time of it/,
  },
  'a schedule that passes times by': {
    parts: firing((fired) => ({ ...fired, due: fired.due + 1_000 })),
    says: /has passed \d+ by/,
  },
  'a schedule whose clock is ahead of all': {
    parts: scheduling(({ clock }) => ({
      clock: { ...clock, now: () => (clock.now() + 60_000) as never },
    })),
    says: /began at \d+, before \d+/,
  },
  'a schedule that takes every run for ended': {
    parts: scheduling(({ runs }) => ({
      runs: {
        startScheduled: runs.startScheduled,
        view: async (run) => ({
          ...(await runs.view(run)),
          state: 'TERMINATED',
          continuedAs: null,
        }),
      },
    })),
    says: /has started .* before .* had ended/,
  },
  'a schedule that names a run that is not there': {
    parts: firing((fired) => ({ ...fired, run: '01941f29-7bd8-777c-8b9a-2bcf35a319a1' })),
    says: /names run .*, which is not there/,
  },
  'a schedule that names one run for two times': {
    parts: firing((fired) => {
      if (first === undefined || fired.due < 1_735_689_602_000) first = fired.run
      return { ...fired, run: first }
    }),
    says: /is of two times of schedule every/,
  },
}

function turning(change: (request: TurnRequest) => TurnRequest): SimulatedParts {
  return {
    turns: (clock) => {
      const turns = memoryTurns({ clock })
      return { ...turns, take: (request) => turns.take(change(request)) }
    },
  }
}

/** Of supervisors, the index and turns. */
export const SUPERVISORS: Readonly<Record<string, Saboteur>> = {
  'turns that look at no bound of a queue': {
    parts: turning((request) => ({ ...request, queueMax: null })),
    says: /drives \d runs of "narrow" with others, of 1/,
  },
  'turns that look at no key': {
    parts: turning((request) => ({ ...request, key: null })),
    says: /drives 2 runs of key "one" with others/,
  },
  'an index that loses who is ready': {
    parts: {
      rows: () => {
        const rows = memoryRunRows()
        return {
          ...rows,
          move: (move) =>
            rows.move({ ...move, rows: move.rows.filter(({ standing }) => standing !== 'ready') }),
        }
      },
    },
    says: /nobody goes on with what is left/,
  },
  'an index in which nobody who sleeps is due': {
    parts: {
      rows: () => {
        const rows = memoryRunRows()
        return {
          ...rows,
          ready: async (query) =>
            (await rows.ready(query)).filter(({ standing }) => standing === 'ready'),
        }
      },
    },
    says: /nobody goes on with what is left/,
  },
  'an index that never tells who holds runs': {
    parts: {
      rows: () => {
        const rows = memoryRunRows()
        return { ...rows, outlook: async (now) => ({ ...(await rows.outlook(now)), owners: [] }) }
      },
    },
    says: /nobody goes on with what is left/,
  },
}
