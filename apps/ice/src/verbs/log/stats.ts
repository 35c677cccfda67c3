/** `ice log stats`: how large a log is, what it promises, and which life of it this is. */
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { openReader, using } from '../../log/open.ts'
import { bytes, count, counted } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'

/** Carries `log stats` out. @returns the exit code */
export async function stats(invocation: Invocation): Promise<number> {
  return using(await openReader(invocation), async ({ store }) => {
    const { path, format, head, streams, blobs, bytes: size, ...more } = store.inspect()
    const { walBytes, freeBytes, weakestDurability, lineage, moved } = more
    const { durability, incarnation } = store
    const isSame = weakestDurability === durability
    const once = isSame ? '' : `, once opened with ${weakestDurability}`
    await invocation.print(
      () => [
        plain(path),
        `  ${counted(head, 'event')} in ${counted(streams, 'stream')}, ${counted(blobs, 'blob')}`,
        `  ${bytes(size)}, of which ${bytes(freeBytes)} are free; WAL ${bytes(walBytes)}`,
        `  format ${format}`,
        ...(moved.segments === 0
          ? []
          : [`  ${count(moved.events)} events in ${counted(moved.segments, 'archive segment')}`]),
        `  durability ${durability}${once}`,
        `  incarnation ${plain(incarnation)}`,
        ...lineage.map(
          (one) => `    restored from ${plain(one.incarnation)}, up to event ${count(one.head)}`,
        ),
      ],
      () => ({
        ...{ path, format, head, streams, blobs, bytes: size, freeBytes, walBytes },
        ...{ moved, durability, weakestDurability, incarnation, lineage },
      }),
    )
    return EXIT.ok
  })
}
