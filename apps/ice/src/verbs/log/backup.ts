/** `ice log backup`, or `ice backup`: a copy of the log, while others write. */
import { resolve } from 'node:path'
import { listenForStop } from '../../drive/stop.ts'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { openFileReader, using } from '../../log/open.ts'
import { bytes, count } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'

const VERB = 'ice log backup'

/** Carries `backup` out. @returns the exit code */
export async function backup(invocation: Invocation, typed: string): Promise<number> {
  const { talk, cwd } = invocation
  const stop = listenForStop(talk, 'the backup')
  try {
    return await using(await openFileReader(invocation, VERB), async ({ store }) => {
      const {
        path,
        head,
        bytes: size,
      } = await store.backup(resolve(cwd, typed), {
        signal: stop.signal,
        onProgress: (done, total) =>
          talk.progress(`${count(done)} of ${count(total)} pages copied`),
      })
      talk.settle()
      await invocation.print(
        () => [`copied ${count(head)} events (${bytes(size)}) to ${plain(path)}`],
        () => ({ path, head, bytes: size }),
      )
      talk.say(`check it with ${invocation.command(['verify', typed])}`)
      return EXIT.ok
    })
  } catch (error) {
    if (stop.exit !== null) return stop.exit
    throw error
  } finally {
    stop.release()
  }
}
