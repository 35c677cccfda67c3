/** Idempotency keys: which run one stands for. A key is of its program, and used once in a log. */

import type { StandardPayloads } from '@ice/events/define'
import type { EventLog } from '@ice/events/ports'
import { canonicalize, type RunId, type StreamId, sha256Hex } from '@ice/primitives'

/** The stream that says which run a key stands for. */
export function keyStream(program: string, key: string): StreamId {
  return `key/${sha256Hex(canonicalize([program, key]))}` as StreamId
}

/** What the stream of a key says; `null`: nothing was started under it. */
export async function requestOf(
  log: Pick<EventLog, 'read'>,
  stream: StreamId,
): Promise<StandardPayloads['RunRequested'] | null> {
  for await (const [event] of log.read({ stream, limit: 1 })) {
    if (event !== undefined) return event.data as StandardPayloads['RunRequested']
  }
  return null
}

/**
 * The run that was started of this program under this key, whatever its input; `null`: none.
 * One look at one stream, however long the log is.
 */
export async function runOfKey(
  log: Pick<EventLog, 'read'>,
  { program, key }: { readonly program: string; readonly key: string },
): Promise<RunId | null> {
  const request = await requestOf(log, keyStream(program, key))
  return (request?.run ?? null) as RunId | null
}
