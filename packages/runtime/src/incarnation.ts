/**
 * The beginning of another life of a log: after a backup was restored, or an export imported.
 *
 *     LogConfigured (the new incarnation) → EffectInDoubt of all that is open → LogRestored
 *
 * `LogRestored` comes last, and says that the rest is done: a restore that was killed in between
 * is taken up where it was left.
 */

import {
  composeTaxonomy,
  createEventLog,
  type EventLog,
  type EventStore,
  type EventType,
  type StandardPayloads,
  standardTypes,
} from '@ice/events'
import type { Clock, Hash, PrincipalId, StreamVersion } from '@ice/primitives'
import { doubtOpenEffects } from '@ice/runs'
import { adopt, LOG_STREAM } from './adopt.ts'
import { RUNTIME_CODES, RuntimeError } from './errors.ts'

/** What is known of a log that was restored. */
export interface IncarnationInit {
  /** The restored log; its `incarnation` is the new one. It stays the caller's to close. */
  readonly store: EventStore
  readonly clock: Clock
  readonly how: 'backup' | 'import'
  /** The incarnation the events come from. */
  readonly from: string
  /** How many events were taken over. */
  readonly head: number
  /** Their RFC 9162 root, as `verifyLog` found it; `null` when it could not be told. */
  readonly root: Hash | null
  /** On whose command. */
  readonly principal?: PrincipalId
  /** Event types beside the standard ones. */
  readonly types?: readonly EventType[]
  /** The kind of store, as `LogConfigured` tells it. @defaultValue `'sqlite'` */
  readonly storeName?: string
}

/** What a new incarnation began with. */
export interface NewIncarnation {
  readonly incarnation: string
  /** Runs that have not ended. What they did after the backup is not in the log. */
  readonly runs: number
  /** Effects in doubt. */
  readonly doubts: number
}

/**
 * Records that the log begins another life, with everything open in it in doubt. Nobody may use
 * the log before it returns.
 *
 * @returns `null` when it had begun before: then nothing is recorded, because what is open in it
 * now is its own
 * @throws `ICE_RUNTIME_INCARNATION_CONFLICT`, and what appending to the log throws
 */
export async function beginIncarnation(init: IncarnationInit): Promise<NewIncarnation | null> {
  const { store, clock, from, how, head, root } = init
  const { incarnation } = store
  if (incarnation === from) {
    const message = `The log still is in the incarnation ${from}, which it was taken from`
    throw new RuntimeError(RUNTIME_CODES.incarnation, message, { incarnation })
  }
  const taxonomy = composeTaxonomy([...standardTypes, ...(init.types ?? [])])
  const log = createEventLog({ store, taxonomy, clock })
  if ((await readLives(log)).incarnations.has(incarnation)) return null
  await adopt(log, taxonomy, { store: init.storeName ?? 'sqlite', now: () => clock.now() })
  const { runs, doubts } = await doubtOpenEffects(log)
  const data: StandardPayloads['LogRestored'] = { how, from, incarnation, head, root, doubts }
  const { principal } = init
  const event = { type: 'LogRestored', data, ...(principal === undefined ? {} : { principal }) }
  const { version: expectedVersion } = await readLives(log)
  await log.append({ writes: [{ stream: LOG_STREAM, expectedVersion, events: [event] }] })
  return { incarnation, runs, doubts }
}

interface Lives {
  readonly version: StreamVersion
  /** Incarnations that have begun and said so. */
  readonly incarnations: ReadonlySet<string>
}

async function readLives(log: EventLog): Promise<Lives> {
  let version = 0
  const incarnations = new Set<string>()
  for await (const batch of log.read({ stream: LOG_STREAM })) {
    for (const event of batch) {
      version = event.version
      if (event.type !== 'LogRestored') continue
      incarnations.add((event.data as StandardPayloads['LogRestored']).incarnation)
    }
  }
  return { version: version as StreamVersion, incarnations }
}
