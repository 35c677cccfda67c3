/** The graph of the lifecycle: which event leads a run from which states into which. */

import type { RecordedEvent } from '@ice/events/ports'
import { invariant } from '@ice/primitives'
import type { RunFold } from './lifecycle.ts'
import type { Conclusion, Phase, RunState } from './ports.ts'

/** Which states an event may find the run in, and which it leads to. */
interface Edge {
  readonly from: readonly RunState[]
  readonly to: RunState
  readonly phase: Phase
  readonly conclusion?: Conclusion
}

const BEFORE_CONCLUSION = [
  'CREATED',
  'PROVISIONED',
  'CONTEXT_READY',
  'EXECUTING',
  'VALIDATING',
] as const satisfies readonly RunState[]

/** The graph of RFC-ICE-005, with abort and forced termination from every open state. */
export const EDGES: ReadonlyMap<string, Edge> = new Map<string, Edge>([
  ['RunProvisioned', { from: ['CREATED'], to: 'PROVISIONED', phase: 'context' }],
  ['CapabilitiesBound', { from: ['PROVISIONED'], to: 'CONTEXT_READY', phase: 'context' }],
  ['ExecutionWindowOpened', { from: ['CONTEXT_READY'], to: 'EXECUTING', phase: 'execution' }],
  ['ValidationStarted', { from: ['EXECUTING'], to: 'VALIDATING', phase: 'validation' }],
  [
    'RunCommitted',
    { from: ['VALIDATING'], to: 'COMMITTED', phase: 'teardown', conclusion: 'committed' },
  ],
  [
    'RunAborted',
    { from: BEFORE_CONCLUSION, to: 'ABORTED', phase: 'teardown', conclusion: 'aborted' },
  ],
  [
    'RunForciblyTerminated',
    {
      from: BEFORE_CONCLUSION,
      to: 'TERMINATED_BY_RUNTIME',
      phase: 'teardown',
      conclusion: 'terminated_by_runtime',
    },
  ],
  [
    'RunTerminated',
    {
      from: ['COMMITTED', 'ABORTED', 'TERMINATED_BY_RUNTIME'],
      to: 'TERMINATED',
      phase: 'teardown',
    },
  ],
])

/** Moves a run along the graph. Throws where the graph has no such way. */
export function moveState({ view }: Pick<RunFold, 'view'>, event: RecordedEvent): void {
  const edge = EDGES.get(event.type)
  if (edge === undefined || view === null) return
  invariant(
    edge.from.includes(view.state),
    `${event.id}: ${event.type} cannot follow in state ${view.state}`,
  )
  view.state = edge.to
  view.phase = edge.phase
  if (edge.conclusion !== undefined) view.conclusion = edge.conclusion
}
