/** `ice log gc`: removes blobs that no event names, and leaves those alone that may yet be. */
import { parseSpan } from '../../args/duration.ts'
import { listenForStop } from '../../drive/stop.ts'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { openReader, using } from '../../log/open.ts'
import { bytes, count, counted } from '../../terminal/format.ts'

/** Options of `log gc`. */
export interface GcOptions {
  readonly grace: string
}

/** Carries `log gc` out. @returns the exit code */
export async function gc(invocation: Invocation, { grace }: GcOptions): Promise<number> {
  const { talk } = invocation
  const graceMs = parseSpan(grace, '--grace')
  const stop = listenForStop(talk, 'the collection')
  try {
    return await using(await openReader(invocation, { opening: 'existing' }), async ({ store }) => {
      const collected = await store.blobs.collect({
        graceMs,
        signal: stop.signal,
        onProgress: (at) => talk.progress(`${count(at)} events looked at`),
      })
      const { removed, removedBytes, kept } = collected
      talk.settle()
      await invocation.print(
        () => [
          `removed ${counted(removed, 'blob')} (${bytes(removedBytes)}) that no event names; ` +
            `${counted(kept, 'blob')} kept`,
        ],
        () => collected,
      )
      return EXIT.ok
    })
  } catch (error) {
    if (stop.exit !== null) return stop.exit
    throw error
  } finally {
    stop.release()
  }
}
