/** Facts as an owner hands them to its journal. */
import type { StandardPayloads } from '@ice/events/define'
import type { BlobDraft, NewEvent } from '@ice/events/ports'
import type { EventId, PrincipalId, Timestamp } from '@ice/primitives'

/** A standard event as the owner adds it: place and time are the journal's. */
export type Fact = {
  readonly [T in keyof StandardPayloads]: {
    readonly type: T
    readonly data: StandardPayloads[T]
  } & FactEnvelope
}[keyof StandardPayloads]

/** What a fact may carry beside its payload. */
export interface FactEnvelope {
  readonly causes?: readonly EventId[]
  readonly principal?: PrincipalId
  readonly blob?: BlobDraft | null
  readonly blobs?: readonly BlobDraft[]
  /** When it happened. @defaultValue now */
  readonly at?: Timestamp
}

/** An event of a type that a product declared (the outcome of its own effect), or of an agent. */
export interface ForeignFact extends FactEnvelope {
  readonly type: string
  readonly data: unknown
  readonly origin?: NewEvent['origin']
}

/** A fact as it is appended. */
export function eventOf(fact: Fact | ForeignFact, time: Timestamp): NewEvent {
  const { type, data, causes = [], principal } = fact
  const origin = 'origin' in fact ? fact.origin : undefined
  return {
    type,
    data,
    time,
    ...(causes.length === 0 ? {} : { causes }),
    ...(principal === undefined ? {} : { principal }),
    ...(origin === undefined ? {} : { origin }),
  }
}
