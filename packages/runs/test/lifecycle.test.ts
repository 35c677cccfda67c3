import type { StandardTypeName } from '@ice/events/define'
import type { RecordedEvent } from '@ice/events/ports'
import { describe, expect, test } from 'vitest'
import { EDGES, runProjection, viewOf } from '../src/index.ts'
import type { RunState } from '../src/ports.ts'

const STATES: readonly RunState[] = [
  'CREATED',
  'PROVISIONED',
  'CONTEXT_READY',
  'EXECUTING',
  'VALIDATING',
  'COMMITTED',
  'ABORTED',
  'TERMINATED_BY_RUNTIME',
  'TERMINATED',
]

/** The events that lead to each state by the shortest way. */
const TO: Readonly<Record<RunState, readonly StandardTypeName[]>> = {
  CREATED: [],
  PROVISIONED: ['RunProvisioned'],
  CONTEXT_READY: ['RunProvisioned', 'CapabilitiesBound'],
  EXECUTING: ['RunProvisioned', 'CapabilitiesBound', 'ExecutionWindowOpened'],
  VALIDATING: ['RunProvisioned', 'CapabilitiesBound', 'ExecutionWindowOpened', 'ValidationStarted'],
  COMMITTED: [
    'RunProvisioned',
    'CapabilitiesBound',
    'ExecutionWindowOpened',
    'ValidationStarted',
    'RunCommitted',
  ],
  ABORTED: ['RunAborted'],
  TERMINATED_BY_RUNTIME: ['RunForciblyTerminated'],
  TERMINATED: ['RunAborted', 'RunTerminated'],
}

const DATA: Readonly<Record<string, unknown>> = {
  RunCreated: {
    run: 'r',
    program: { name: 'p', version: '1' },
    input: { inline: null },
    owner: 'o',
    epoch: 1,
    grants: [],
  },
  ValidationStarted: { result: { inline: 1 } },
  RunForciblyTerminated: { reason: 'r', doubts: [] },
}

function event(type: string, version: number): RecordedEvent {
  const data = DATA[type] ?? {}
  return { type, version, time: version, id: `run/r@${version}`, data } as unknown as RecordedEvent
}

function foldTo(state: RunState) {
  const types = ['RunCreated', ...TO[state]]
  return types.reduce(
    (fold, type, i) => runProjection.evolve(fold, event(type, i + 1)),
    runProjection.initialState(),
  )
}

/** Verifies: RUN-R01 */
describe('the lifecycle', () => {
  test.each(STATES)('reaches %s', (state) => {
    expect(viewOf(foldTo(state)).state).toBe(state)
  })

  const legal = new Set<string>([
    'CREATED RunProvisioned',
    'PROVISIONED CapabilitiesBound',
    'CONTEXT_READY ExecutionWindowOpened',
    'EXECUTING ValidationStarted',
    'VALIDATING RunCommitted',
    ...['CREATED', 'PROVISIONED', 'CONTEXT_READY', 'EXECUTING', 'VALIDATING'].flatMap((state) => [
      `${state} RunAborted`,
      `${state} RunForciblyTerminated`,
    ]),
    'COMMITTED RunTerminated',
    'ABORTED RunTerminated',
    'TERMINATED_BY_RUNTIME RunTerminated',
  ])
  const pairs = STATES.flatMap((state) => [...EDGES.keys()].map((type) => [state, type] as const))
  test.each(pairs)('in %s answers %s as the graph says', (state, type) => {
    const fold = foldTo(state)
    const { version } = viewOf(fold)
    const step = () => viewOf(runProjection.evolve(fold, event(type, version + 1))).state
    if (legal.has(`${state} ${type}`)) expect(step()).toBe(EDGES.get(type)?.to)
    else expect(step).toThrow(TypeError)
  })

  test('takes nothing after RunTerminated, and nothing before RunCreated', () => {
    expect(() => runProjection.evolve(foldTo('TERMINATED'), event('AbortRequested', 9))).toThrow(
      TypeError,
    )
    expect(() =>
      runProjection.evolve(runProjection.initialState(), event('RunProvisioned', 1)),
    ).toThrow(TypeError)
    expect(() => runProjection.evolve(foldTo('CREATED'), event('RunCreated', 2))).toThrow(TypeError)
  })
})
