/** Judges races by the log alone: what was intended, and where its right ended, by position. */
import type { EventStore } from '@ice/events'

/** What a log says of its races. */
export interface RaceVerdict {
  /** Intents by grant that stand before the end of their right. */
  readonly before: ReadonlyMap<string, number>
  /** Intents that stand after it: there must be none. */
  readonly after: readonly string[]
  /** Refused after the end, as the log tells it. */
  readonly denied: number
  /** Aborted at work, with the proof that nothing had happened. */
  readonly revoked: number
  readonly events: number
}

interface Stored {
  readonly stream: string
  readonly version: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Reads a log from its beginning. The order of what it hands out is the order of positions. */
export const judgeRaces = async (store: Pick<EventStore, 'readAll'>): Promise<RaceVerdict> => {
  const ended = new Set<string>()
  const before = new Map<string, number>()
  const after: string[] = []
  let [denied, revoked, events] = [0, 0, 0]
  for await (const batch of store.readAll({})) {
    for (const { bytes, position } of batch) {
      const { stream, version, type, data } = JSON.parse(bytes) as Stored
      events += 1
      if (type === 'CapabilityRevoked' || type === 'AuthorityStopped') ended.add(stream)
      else if (type === 'CapabilityDenied') denied += 1
      else if (type === 'EffectRevoked') revoked += 1
      if (type !== 'CapabilityUsed') continue
      const chain = data['chain'] as readonly string[]
      const rights = [...chain.map((grant) => `grant/${grant}`), `stop/${stream}`, 'stop/all']
      const over = rights.find((right) => ended.has(right))
      if (over !== undefined) after.push(`${stream}@${version} at ${position}, after ${over}`)
      const [grant = ''] = chain
      before.set(grant, (before.get(grant) ?? 0) + 1)
    }
  }
  return { before, after, denied, revoked, events }
}
