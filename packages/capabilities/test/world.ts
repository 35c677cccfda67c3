/** What tests of authority share: ids that repeat, events as a log would hand them out, actors. */
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import {
  type Clock,
  type EventId,
  type GrantId,
  type Hash,
  type Ids,
  type Position,
  type PrincipalId,
  type RunId,
  type StreamId,
  type StreamVersion,
  sha256Hex,
  type Timestamp,
} from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import { callDigest } from '../src/call.ts'
import { fsKind, toolKind } from '../src/index.ts'
import { composeKinds } from '../src/kinds.ts'
import type { AuthorityRequest, Ceiling, Grant, Resource, ResourceKind } from '../src/ports.ts'
import { type AuthorityState, authorityProjection } from '../src/state.ts'

export const alice: PrincipalId = 'os:alice' as PrincipalId
export const mallory: PrincipalId = 'os:mallory' as PrincipalId

/** A log in memory with the standard vocabulary. */
export function memoryLog(clock: Clock): EventLog {
  const taxonomy = composeTaxonomy(standardTypes)
  return createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
}

export const at = (ms: number): Timestamp => ms as Timestamp
export const fsRoot = (root = '/repo', ...within: readonly string[]): Resource =>
  within.length === 0 ? { kind: 'fs', root } : { kind: 'fs', root, within }

/** A state that a test writes by hand, event by event. */
export class World {
  readonly ids: Ids = seededIds('capabilities')
  readonly run: RunId = this.ids.nextRunId()
  readonly otherRun: RunId = this.ids.nextRunId()
  readonly state: AuthorityState
  readonly #projection
  readonly #versions = new Map<string, number>()
  #position = 0

  constructor(
    kinds: readonly ResourceKind[] = [fsKind, toolKind],
    deadMax = 10_000,
    ceiling?: Ceiling,
  ) {
    const policy = ceiling === undefined ? {} : { ceiling }
    this.#projection = authorityProjection({ kinds: composeKinds(kinds), deadMax, ...policy })
    this.state = this.#projection.initialState()
  }

  /** Makes the next event of a stream, without folding it. */
  event(stream: string, type: string, data: unknown, time = 1_000): RecordedEvent {
    const version = (this.#versions.get(stream) ?? 0) + 1
    this.#versions.set(stream, version)
    this.#position += 1
    return {
      v: 1,
      id: `${stream}@${version}` as EventId,
      position: this.#position as Position,
      hash: '0'.repeat(64) as Hash,
      stream: stream as StreamId,
      version: version as StreamVersion,
      type,
      schema: 1,
      time: time as Timestamp,
      origin: 'runtime',
      causes: [],
      data,
    }
  }

  fold(event: RecordedEvent): void {
    this.#projection.evolve(this.state, event)
  }

  record(stream: string, type: string, data: unknown): void {
    this.fold(this.event(stream, type, data))
  }

  /** A grant to `run` on files below `/repo`, but for what is said otherwise. */
  draft(over: Partial<Grant> = {}): Grant {
    return {
      id: this.ids.nextGrantId(),
      holder: `run/${this.run}`,
      actions: ['fs.read'],
      resource: fsRoot(),
      caveats: [],
      parent: null,
      delegable: 0,
      notBefore: at(0),
      expiresAt: null,
      revocable: true,
      ...over,
    }
  }

  /** Records a grant, whatever is in it. */
  grant(over: Partial<Grant> = {}): GrantId {
    const grant = this.draft(over)
    this.record(`grant/${grant.id}`, 'CapabilityGranted', { grant })
    return grant.id
  }

  revoke(grant: GrantId): void {
    this.record(`grant/${grant}`, 'CapabilityRevoked', { grant, reason: 'enough' })
  }

  debit(grant: GrantId, count: unknown = 1): void {
    this.record(`budget/${grant}`, 'CountDebited', { grant, count })
  }

  /** A request of `run` to read `/repo/src/a.ts`, but for what is said otherwise. */
  request(grant: GrantId, over: Partial<AuthorityRequest> = {}): AuthorityRequest {
    const base = {
      run: this.run,
      grant,
      action: 'fs.read',
      resource: { path: 'src/a.ts' },
      arguments: {},
      argumentsDigest: sha256Hex('{}'),
      at: at(5_000),
      ...over,
    }
    return { ...base, callDigest: over.callDigest ?? callDigest(base) }
  }
}
