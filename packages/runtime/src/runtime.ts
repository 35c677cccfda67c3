/**
 * The composition: where implementations meet ports. No domain logic.
 *
 * Everything has a default and everything can be replaced; what is replaced is not loaded. The
 * composition is frozen: no type, handler or resource kind can be added to a running runtime.
 */

import {
  adoptCeiling,
  approvalKind,
  createAuthority,
  createGrants,
  fsKind,
  memoryKind,
  modelKind,
  netKind,
  procKind,
  secretKind,
  spawnKind,
  toolKind,
} from '@ice/capabilities'
import type { ResourceKind } from '@ice/capabilities/ports'
import {
  CAUSES_MAX,
  composeTaxonomy,
  createEventLog,
  EVENT_BYTES_MAX,
  INLINE_STRING_BYTES_MAX,
  memoryEventStore,
  standardTypes,
  UNIT_EVENTS_MAX,
  UNIT_GUARDS_MAX,
  UNIT_STREAMS_MAX,
} from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import { type Clock, createIds, type JsonObject, systemClock, systemRandom } from '@ice/primitives'
import {
  createRuns,
  createSchedules,
  GRANTS_MAX,
  INLINE_VALUE_BYTES_MAX,
  memoryOwnership,
  STEP_ID_BYTES_MAX,
  timedLog,
  VALUE_BYTES_MAX,
} from '@ice/runs'
import type { EffectHandler, Ownership } from '@ice/runs/ports'
import { adopt } from './adopt.ts'
import { describeRuntime } from './describe.ts'
import type { Runtime, RuntimeDescription, RuntimeOptions } from './ports.ts'
import { systemPrincipal } from './principal.ts'
import { createWork } from './work.ts'

/** Where a runtime keeps its log when it is told nothing else. */
export const DEFAULT_PATH = '.ice/ice.db'

/** The resource kinds every runtime has. */
export const STANDARD_KINDS: readonly ResourceKind[] = [
  approvalKind,
  fsKind,
  netKind,
  procKind,
  toolKind,
  secretKind,
  modelKind,
  memoryKind,
  spawnKind,
]

/** The bounds of the rooms that a product meets first; a unit ends each name. */
const LIMITS: RuntimeDescription['limits'] = Object.freeze({
  events: Object.freeze({
    causesMax: CAUSES_MAX,
    eventBytesMax: EVENT_BYTES_MAX,
    inlineStringBytesMax: INLINE_STRING_BYTES_MAX,
    unitEventsMax: UNIT_EVENTS_MAX,
    unitGuardsMax: UNIT_GUARDS_MAX,
    unitStreamsMax: UNIT_STREAMS_MAX,
  }),
  runs: Object.freeze({
    grantsMax: GRANTS_MAX,
    inlineValueBytesMax: INLINE_VALUE_BYTES_MAX,
    stepIdBytesMax: STEP_ID_BYTES_MAX,
    valueBytesMax: VALUE_BYTES_MAX,
  }),
})

/**
 * Composes a runtime.
 *
 * ```ts
 * const ice = await createRuntime({ path: 'app.db' })
 * ```
 *
 * @throws what the parts throw when they open: `ICE_EVENTS_SQLITE_…`, `ICE_EVENTS_DECLARATION_…`,
 *   `ICE_CAPABILITIES_CEILING_UNSUPPORTED`
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const ids = createIds({ clock, random })
  const principal = options.principal ?? systemPrincipal()
  const taxonomy = composeTaxonomy([...standardTypes, ...(options.types ?? [])])
  const ground = await openGround(options, clock)
  try {
    const { store, ownership } = ground
    const { log, commits } = timedLog(createEventLog({ store, taxonomy, clock }), clock)
    await adopt(log, taxonomy, { store: ground.name, now: () => clock.now() })
    const kinds = [...STANDARD_KINDS, ...(options.kinds ?? [])]
    const { ceiling } = options
    if (ceiling !== undefined && options.adoptCeiling !== undefined) {
      await adoptCeiling(log, ceiling, { ...options.adoptCeiling, principal })
    }
    const over = { log, kinds, ...(ceiling === undefined ? {} : { ceiling }) }
    const authority = options.authority?.(over) ?? createAuthority(over)
    const grants = createGrants({ log, authority, kinds, clock, ids, principal })
    const effects = await handlersOf(options, clock)
    const programs = options.programs ?? []
    const { delegate } = grants
    const { breakers = [], drivesChildren = true, invariants, compensation } = options
    const base = { log, authority, delegate, ownership, clock, ids, effects }
    const init = { ...base, breakers, programs, principal }
    const runs = createRuns({
      ...{ ...init, drivesChildren },
      ...(invariants === undefined ? {} : { invariants }),
      ...(compensation === undefined ? {} : { compensation }),
    })
    const path = ground.name === 'sqlite' ? (options.path ?? DEFAULT_PATH) : null
    const schedules = createSchedules({ log, clock, principal, runs })
    const work = createWork({ ...init, options, path, runs, schedules, commits })
    const subsystems = subsystemsOf(options, ground, kinds)
    const description = { taxonomy, store, subsystems, effects, programs, limits: LIMITS }
    return Object.freeze({
      log,
      runs,
      schedules,
      grants,
      authority,
      clock,
      principal,
      index: work.index,
      supervise: work.supervise,
      describe: () => describeRuntime(description),
      close: async () => {
        await work.close()
        await runs.close()
        await closeGround(ground, options)
      },
    })
  } catch (error) {
    await closeGround(ground, options)
    throw error
  }
}

/** What everything else stands on. */
interface Ground {
  readonly store: EventStore
  readonly ownership: Ownership
  readonly name: string
}

async function openGround(options: RuntimeOptions, clock: Clock): Promise<Ground> {
  const path = options.path ?? DEFAULT_PATH
  if (options.store !== undefined || path === ':memory:') {
    const store = options.store ?? memoryEventStore({ clock })
    const ownership = options.ownership ?? memoryOwnership().join('this-process')
    return { store, ownership, name: options.store === undefined ? 'memory' : 'custom' }
  }
  // Loaded only when it is used: a product that brings its own store does not need the binary.
  const [{ openOwnership, openSqliteEventStore }, { openArchivedEventStore, segmentsFolder }] =
    await Promise.all([import('@ice/events-sqlite'), import('@ice/events-archive')])
  // Before the store: the folder of the locks lies beside the log, so making it makes the log's.
  const ownership = options.ownership ?? openOwnership({ directory: `${path}.owners` })
  try {
    const live = openSqliteEventStore({ path, clock, subscribersKeepAlive: true })
    const directory = options.archive ?? segmentsFolder(path)
    const store = openArchivedEventStore({ store: live, directory })
    return { store, ownership, name: 'sqlite' }
  } catch (error) {
    if (options.ownership === undefined) await ownership.close()
    throw error
  }
}

/** Closes what was opened here; what was handed in is its owner's to close. */
async function closeGround({ store, ownership }: Ground, options: RuntimeOptions): Promise<void> {
  if (options.store === undefined) await store.close()
  if (options.ownership === undefined) await ownership.close()
}

async function handlersOf(
  options: RuntimeOptions,
  clock: Clock,
): Promise<readonly EffectHandler[]> {
  const handlers = [...(await standardHandlers(options, clock)), ...(options.effects ?? [])]
  if (options.secrets === undefined) return handlers
  const { withSecrets } = await import('@ice/effects')
  return withSecrets(handlers, options.secrets)
}

/** The built-in handlers that are not replaced. */
async function standardHandlers(
  options: RuntimeOptions,
  clock: Clock,
): Promise<readonly EffectHandler[]> {
  if (options.bare === true) return []
  const { clockEffects, fileSystemEffects, networkEffects, notifyEffects, processEffects } =
    await import('@ice/effects')
  const replaced = new Set((options.effects ?? []).map(({ action }) => action))
  const standard = [
    ...fileSystemEffects(),
    ...networkEffects(),
    ...processEffects(),
    ...clockEffects({ clock }),
    ...notifyEffects(options.notifier),
  ]
  return standard.filter(({ action }) => !replaced.has(action))
}

function ceilingOf({ ceiling }: RuntimeOptions): JsonObject | null {
  if (ceiling === undefined) return null
  const { name, version, digest } = ceiling
  return { name, version, digest }
}

function subsystemsOf(
  options: RuntimeOptions,
  { name, store, ownership }: Ground,
  kinds: readonly { readonly kind: string }[],
): Readonly<Record<string, JsonObject>> {
  return {
    store: { name, durability: store.durability, supports: { ...store.supports } },
    ownership: { self: ownership.self, custom: options.ownership !== undefined },
    authority: {
      custom: options.authority !== undefined,
      kinds: kinds.map(({ kind }) => kind),
      ceiling: ceilingOf(options),
    },
    clock: { custom: options.clock !== undefined },
    secrets: { custom: options.secrets !== undefined },
    notifier: { custom: options.notifier !== undefined },
    random: { custom: options.random !== undefined },
  }
}
