/**
 * Logs of very many runs, made fast: one run is driven for real, and its record is appended again
 * and again in large units, with another id each time and, where it sleeps, another time.
 *
 * What is appended goes through the gateway like anything else: it is checked, hashed and durable.
 */
import {
  createIds,
  type GrantId,
  type RunId,
  type StreamId,
  systemClock,
  systemRandom,
} from '@ice/primitives'
import type { Runtime } from '@ice/runtime'

/** The events of one run, as one text. */
export interface RunRecord {
  readonly run: RunId
  readonly text: string
}

/** How often, and what differs. */
export interface Copies {
  readonly count: number
  /** Until when the run of the record sleeps, and until when each copy does. */
  readonly until?: { readonly was: number; readonly of: (copy: number) => number }
}

/** @units runs to a unit, and units that are under way at once. */
const UNIT_RUNS = 16
const UNITS = 16

/** A grant of one action on one tool, without an end. */
export async function openGrant(ice: Runtime, action: string, name: string): Promise<GrantId> {
  const id = createIds({ clock: systemClock, random: systemRandom }).nextGrantId()
  const grant = ice.authority.rootGrant({
    id,
    holder: `principal/${ice.principal}`,
    actions: [action],
    resource: { kind: 'tool', name },
  })
  const events = [{ type: 'CapabilityGranted', data: { grant } }]
  const stream = `grant/${id}` as StreamId
  await ice.log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
  return id
}

/** The record of a run so far. */
export async function recordOf(ice: Runtime, run: RunId): Promise<RunRecord> {
  const events: unknown[] = []
  for await (const batch of ice.log.read({ stream: `run/${run}` as StreamId })) {
    for (const { type, data, causes, origin, principal } of batch) {
      events.push({ type, data, causes, origin, ...(principal === undefined ? {} : { principal }) })
    }
  }
  return { run, text: JSON.stringify(events) }
}

/** Appends copies of a record. */
export async function multiply(
  ice: Runtime,
  { run, text }: RunRecord,
  { count, until }: Copies,
): Promise<void> {
  const ids = createIds({ clock: systemClock, random: systemRandom })
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < count) {
      const first = next
      next = Math.min(next + UNIT_RUNS, count)
      const writes = Array.from({ length: next - first }, (_, i) => {
        const id = ids.nextRunId()
        let copy = text.replaceAll(run, id)
        if (until !== undefined) copy = copy.replaceAll(`${until.was}`, `${until.of(first + i)}`)
        const stream = `run/${id}` as StreamId
        return { stream, expectedVersion: 'no_stream' as const, events: JSON.parse(copy) }
      })
      await ice.log.append({ writes })
    }
  }
  await Promise.all(Array.from({ length: UNITS }, writer))
}
