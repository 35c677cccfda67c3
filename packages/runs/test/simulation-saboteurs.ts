/** Implementations that break one promise each: what a simulation is worth is how it meets them. */

import { memoryEventStore } from '@ice/events'
import type { Appended, EventStore, PreparedUnit } from '@ice/events/ports'
import type { RunsInit } from '../src/components.ts'
import { createRuns, memoryOwnership } from '../src/index.ts'
import type { SimulatedParts } from '../src/testing/index.ts'

type Append = EventStore['append']
type Log = RunsInit['log']

/** The same log, whose appends go another way. */
function through(
  log: Log,
  append: (request: Parameters<Log['append']>[0]) => Promise<Appended>,
): Log {
  return { ...log, append }
}

/** Says that intents are in the log before they are: handlers act, whatever becomes of them. */
function eager(init: RunsInit) {
  const { log } = init
  return createRuns({
    ...init,
    log: through(log, (request) => {
      const hasIntent = request.writes.some(({ events }) =>
        events.some(({ type }) => type === 'CapabilityUsed'),
      )
      const appended = log.append(request)
      if (!hasIntent) return appended
      appended.catch(() => undefined)
      const writes = request.writes.map(({ stream, events }) => ({
        stream,
        version: 1 as never,
        positions: events.map(() => 1 as never),
        times: events.map(({ time = 0 }) => time as never),
      }))
      return Promise.resolve({ writes, retried: false })
    }),
  })
}

/** Takes what is irreversible for something that can be repeated. */
function careless(init: RunsInit) {
  const effects = init.effects.map((each) => ({ ...each, fate: 'idempotent' as const }))
  return createRuns({ ...init, effects })
}

/** Calls every handler twice. */
function doubling(init: RunsInit) {
  const effects = init.effects.map((each) => ({
    ...each,
    perform: async (call: Parameters<typeof each.perform>[0]) => {
      await each.perform(call)
      return each.perform(call)
    },
  }))
  return createRuns({ ...init, effects })
}

/** Ends what has ended once more. */
function concludingTwice(init: RunsInit) {
  const { log } = init
  return createRuns({
    ...init,
    log: through(log, async (request) => {
      const appended = await log.append(request)
      const [write] = request.writes
      const ends = write?.events.filter(({ type }) => type === 'RunTerminated') ?? []
      if (write !== undefined && ends.length > 0) {
        await log.append({
          writes: [{ stream: write.stream, expectedVersion: 'any', events: ends }],
        })
      }
      return appended
    }),
  })
}

/** Forgets every ninth unit, after it has said that it has it. */
function forgetful(clock: Parameters<typeof memoryEventStore>[0]['clock']): EventStore {
  const store = memoryEventStore({ clock })
  let units = 0
  const append: Append = async (unit: PreparedUnit) => {
    units += 1
    if (units % 9 !== 0) return store.append(unit)
    const writes = unit.writes.map(({ stream, expectedVersion, events }) => {
      const first = typeof expectedVersion === 'number' ? expectedVersion : 0
      return {
        stream,
        version: (first + events.length) as never,
        positions: events.map((_, i) => (i + 1) as never),
        times: events.map((event) => event.timeAfter(0)),
      }
    })
    return { writes, retried: false }
  }
  return { ...store, append }
}

/** Lets an owner write on, whoever has taken over: versions are not looked at. */
function unfenced(clock: Parameters<typeof memoryEventStore>[0]['clock']): EventStore {
  const store = memoryEventStore({ clock })
  return {
    ...store,
    append: (unit) =>
      store.append({
        ...unit,
        writes: unit.writes.map((write) => ({
          ...write,
          expectedVersion: write.expectedVersion === 'no_stream' ? 'no_stream' : 'any',
        })),
      }),
  }
}

/** By name, what breaks which promise, and what a simulation says of it. */
export const SABOTEURS: Readonly<
  Record<string, { readonly parts: SimulatedParts; readonly says: RegExp }>
> = {
  'a service that acts before its append': {
    parts: { runs: eager },
    says: /acts without a durable intent/,
  },
  'a service that repeats what is irreversible after a crash': {
    parts: { runs: careless },
    says: /repeats what is irreversible/,
  },
  'a service that calls a handler twice': {
    parts: { runs: doubling },
    says: /acts twice on one intent|repeats what is irreversible/,
  },
  'a service that concludes twice': {
    parts: { runs: concludingTwice },
    says: /that cannot be|has ended 2 times/,
  },
  'an ownership that says everybody is dead': {
    parts: { ownership: (truth) => ({ ...truth, status: async () => 'dead' }) },
    says: /which lives and was never silent/,
  },
  'a store that acknowledges what it forgets': {
    parts: { store: forgetful },
    says: /without a durable intent|was acknowledged, and is not in the log|cannot|nothing/,
  },
  'a store that looks at no version': {
    parts: { store: unfenced },
    says: /nothing goes on|cannot drive|which .+ owns|that cannot be|has settled|durable intent/,
  },
}

/** Whoever joins here is never dead to anybody. */
export const immortal: SimulatedParts = {
  ownership: (truth) => ({ ...memoryOwnership().join(truth.self), status: async () => 'alive' }),
}
