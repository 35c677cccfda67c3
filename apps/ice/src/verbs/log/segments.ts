/** `ice log segments`: the sealed files that runs were moved to, as the log knows them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { openFileReader, using } from '../../log/open.ts'
import { bytes, counted } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'

/** Carries `log segments` out. @returns the exit code: a file that is missing is told by it */
export async function segments(invocation: Invocation): Promise<number> {
  const { paint } = invocation
  return using(await openFileReader(invocation, 'ice log segments'), async ({ store }) => {
    const { directory } = store
    const listed = (await store.segments()).map((one) => ({
      ...one,
      isThere: existsSync(join(directory, one.segment)),
    }))
    await invocation.print(
      () => [
        `${counted(listed.length, 'segment')} in ${plain(directory)}`,
        ...listed.map(
          (one) =>
            `  ${one.isThere ? paint.green('✓') : paint.red('missing')} ${plain(one.segment)}  ` +
            `${counted(one.events, 'event')} of ${counted(one.streams, 'stream')}, ` +
            `${bytes(one.bytes)}, sha256 ${one.digest}`,
        ),
      ],
      () => ({ directory, segments: listed }),
    )
    return listed.every(({ isThere }) => isThere) ? EXIT.ok : EXIT.notFound
  })
}
