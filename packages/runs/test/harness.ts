/** A world for runs: a log, authority, owners that can die, and effects that leave a witness. */
import { createAuthority, createGrants, secretKind, spawnKind, toolKind } from '@ice/capabilities'
import type { Authority, Grants, ResourceKind } from '@ice/capabilities/ports'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { EventLog, EventStore, RecordedEvent } from '@ice/events/ports'
import {
  type Clock,
  createIds,
  type Ids,
  type JsonObject,
  type JsonValue,
  type PrincipalId,
  type Random,
  type RunId,
  systemClock,
  systemRandom,
} from '@ice/primitives'
import { expect } from 'vitest'
import { createRuns, defineProgram, memoryOwnership, type RunsService } from '../src/index.ts'
import type {
  Breaker,
  EffectCall,
  EffectHandler,
  Fate,
  GrantSpec,
  Invariant,
  Ownership,
  Program,
  RunContext,
} from '../src/ports.ts'

/** Looks until it is so. The bound only ends a test that will never pass. */
export function eventually<T>(look: () => T) {
  return expect.poll(look, { interval: 2, timeout: 30_000 })
}

export const any = { parse: (value: unknown): unknown => value }
const objects = { parse: (value: unknown): JsonObject => value as JsonObject }

/** What a handler does when it is called; the default returns the call's arguments. */
export type Act = (call: EffectCall) => Promise<JsonValue> | JsonValue

export function tool(action: string, fate: Fate = 'idempotent', act?: Act): EffectHandler {
  return {
    action,
    fate,
    outcome: 'EffectSucceeded',
    arguments: objects,
    resource: () => ({ name: action }),
    perform: async (call) => ({
      value: act === undefined ? call.arguments : await act(call),
      observed: {},
    }),
  }
}

export interface World {
  readonly store: EventStore
  readonly log: EventLog
  readonly authority: Authority
  readonly grants: Grants
  readonly runs: RunsService
  readonly ownership: Ownership
  readonly ids: Ids
  /** Actions in the order in which handlers were called. */
  readonly witness: string[]
  /** Another process over the same log, by default with the same effects. */
  another(name: string, options?: WorldOptions): Promise<World>
  /** Makes this world's owner look dead to others. */
  die(): void
  events(run: RunId): Promise<readonly RecordedEvent[]>
  types(run: RunId): Promise<readonly string[]>
}

export interface WorldOptions {
  readonly store?: EventStore
  readonly effects?: readonly EffectHandler[]
  readonly breakers?: readonly Breaker[]
  readonly programs?: readonly Program[]
  readonly owners?: ReturnType<typeof memoryOwnership>
  readonly name?: string
  /** It does not find out that others take it for dead. */
  readonly unaware?: boolean
  readonly clock?: Clock
  readonly random?: Random
  readonly kinds?: readonly ResourceKind[]
  readonly invariants?: readonly Invariant[]
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const clock = options.clock ?? systemClock
  const store = options.store ?? memoryEventStore({ clock })
  const log = createEventLog({ store, taxonomy: composeTaxonomy(standardTypes), clock })
  const kinds = options.kinds ?? [toolKind, secretKind, spawnKind]
  const authority = createAuthority({ log, kinds })
  const ids = createIds({ clock, random: options.random ?? systemRandom })
  const principal = 'os:test' as PrincipalId
  const grants = createGrants({ log, authority, kinds, clock, ids, principal })
  const owners = options.owners ?? memoryOwnership()
  const joined = owners.join(options.name ?? 'alice')
  // One that is taken for dead and does not know it.
  const ownership = options.unaware === true ? { ...joined, isSure: () => true } : joined
  const witness: string[] = []
  const effects = (options.effects ?? [tool('do')]).map((handler) => ({
    ...handler,
    perform: (call: EffectCall) => {
      witness.push(call.effect)
      return handler.perform(call)
    },
  }))
  const programs = options.programs ?? []
  const { delegate } = grants
  const { breakers = [], invariants = [] } = options
  const base = { log, authority, delegate, ownership, clock, ids, effects }
  const init = { ...base, breakers, invariants, programs, principal }
  const runs = createRuns(init)
  const events = async (run: RunId): Promise<readonly RecordedEvent[]> => {
    const found: RecordedEvent[] = []
    for await (const batch of log.read({ stream: `run/${run}` as never })) found.push(...batch)
    return found
  }
  return {
    store,
    log,
    authority,
    grants,
    runs,
    ownership,
    ids,
    witness,
    events,
    types: async (run) => (await events(run)).map(({ type }) => type),
    die: () => owners.kill(ownership.self),
    another: (name, more = {}) => world({ ...options, store, owners, name, ...more }),
  }
}

/** A grant for tools of these names. */
export function toolGrant(...names: readonly string[]): GrantSpec {
  return { actions: names, resource: { kind: 'tool', names: [...names] } }
}

export const grants = { g: toolGrant('do') }

export function program(
  run: (context: RunContext, input: unknown) => Promise<unknown>,
  more: Partial<Program> = {},
): Program {
  return defineProgram({ name: 'test', version: '1', input: any, output: any, run, ...more })
}

/** Asks for the tool `do`. */
export function doing(args: JsonObject = {}, action = 'do') {
  return { action, grant: 'g', arguments: args }
}

/** The types of an undisturbed run of so many effects one after another. */
export function traceOf(effects: number): readonly string[] {
  return [
    'RunCreated',
    'RunProvisioned',
    'ResourcesAllocated',
    'ContextResolved',
    'MemoryMounted',
    'CapabilitiesBound',
    'ExecutionWindowOpened',
    ...Array.from({ length: effects }, () => ['CapabilityUsed', 'EffectSucceeded']).flat(),
    'ValidationStarted',
    'ValidationPassed',
    'RunCommitted',
    'ResourcesReleased',
    'RunTerminated',
  ]
}

/** A store whose connection dies at the n-th append: before it is written, or right after. */
export function dying(store: EventStore, at: number, when: 'before' | 'after'): EventStore {
  let appends = 0
  const dead = () => Object.assign(new Error('the process is dead'), { code: 'DEAD' })
  return {
    ...store,
    async append(unit) {
      appends += 1
      if (appends > at || (appends === at && when === 'before')) throw dead()
      const appended = await store.append(unit)
      if (appends === at) throw dead()
      return appended
    },
  }
}
