/** `ice log stats`: how large a log is, what it promises, and which life of it this is. */
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { type FileReader, openReader, type ServerReader, using } from '../../log/open.ts'
import { bytes, count, counted } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'

/** Carries `log stats` out. @returns the exit code */
export async function stats(invocation: Invocation): Promise<number> {
  return using(await openReader(invocation), async (reader) => {
    await (reader.kind === 'file' ? ofFile(invocation, reader) : ofServer(invocation, reader))
    return EXIT.ok
  })
}

async function ofFile(invocation: Invocation, { store }: FileReader): Promise<void> {
  const { path, format, head, streams, blobs, bytes: size, ...more } = store.inspect()
  const { walBytes, freeBytes, weakestDurability, lineage, moved } = more
  const { durability, incarnation } = store
  await invocation.print(
    () => [
      plain(path),
      `  ${counted(head, 'event')} in ${counted(streams, 'stream')}, ${counted(blobs, 'blob')}`,
      `  ${bytes(size)}, of which ${bytes(freeBytes)} are free; WAL ${bytes(walBytes)}`,
      `  format ${format}`,
      ...movedLines(moved),
      ...lifeLines(store, weakestDurability),
      ...lineage.map(
        (one) => `    restored from ${plain(one.incarnation)}, up to event ${count(one.head)}`,
      ),
    ],
    () => ({
      ...{ path, format, head, streams, blobs, bytes: size, freeBytes, walBytes },
      ...{ moved, durability, weakestDurability, incarnation, lineage },
    }),
  )
}

async function ofServer(invocation: Invocation, { store }: ServerReader): Promise<void> {
  const inspected = await store.inspect()
  const { server, schema, format, serverVersion, head, streams, bytes: size, moved } = inspected
  const { weakestDurability } = inspected
  const { durability, incarnation } = store
  await invocation.print(
    () => [
      plain(`${schema} in ${server}`),
      `  ${counted(head, 'event')} in ${counted(streams, 'stream')}, ${bytes(size)}`,
      `  format ${format}, PostgreSQL ${plain(serverVersion)}`,
      ...movedLines(moved),
      ...lifeLines(store, weakestDurability),
    ],
    () => ({
      ...{ server, schema, format, serverVersion, head, streams, bytes: size },
      ...{ moved, durability, weakestDurability, incarnation },
    }),
  )
}

function movedLines({ segments, events }: { segments: number; events: number }): readonly string[] {
  if (segments === 0) return []
  return [`  ${count(events)} events in ${counted(segments, 'archive segment')}`]
}

function lifeLines(
  { durability, incarnation }: { readonly durability: string; readonly incarnation: string },
  weakest: string,
): readonly string[] {
  const once = weakest === durability ? '' : `, once opened with ${weakest}`
  return [`  durability ${durability}${once}`, `  incarnation ${plain(incarnation)}`]
}
