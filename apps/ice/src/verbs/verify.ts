/** `ice verify`: whether a log still is what was written. */
import { existsSync } from 'node:fs'
import { type Verification, verifyLog } from '@ice/events'
import { parseNoted } from '../args/noted.ts'
import { parseStore, placeRecord, type StorePlace } from '../config/store.ts'
import { listenForStop } from '../drive/stop.ts'
import { EXIT } from '../exit.ts'
import { existingStore, type Invocation, noLog } from '../invocation.ts'
import { readPlace, using } from '../log/open.ts'
import { bytes, count } from '../terminal/format.ts'
import { plain } from '../terminal/text.ts'

/** Options of `verify`. */
export interface VerifyOptions {
  readonly noted: readonly string[]
}

/** Carries `verify` out. @returns the exit code */
export async function verify(
  invocation: Invocation,
  typed: string | undefined,
  options: VerifyOptions,
): Promise<number> {
  const { talk, cwd } = invocation
  const noted = options.noted.map(parseNoted)
  const place = typed === undefined ? await existingStore(invocation) : parseStore(typed, cwd)
  if (place.kind === 'file' && !existsSync(place.path)) throw noLog(place)
  const stop = listenForStop(talk, 'verifying')
  try {
    return await using(await readPlace(place), async ({ store }) => {
      const { position } = await store.head()
      const verification = await verifyLog(store, {
        noted,
        signal: stop.signal,
        onProgress: (at) => talk.progress(`${count(at)} of ${count(position)} events verified`),
      })
      talk.settle()
      return report(invocation, place, verification)
    })
  } catch (error) {
    if (stop.exit !== null) return stop.exit
    throw error
  } finally {
    stop.release()
  }
}

async function report(
  invocation: Invocation,
  place: StorePlace,
  verification: Verification,
): Promise<number> {
  const { events, streams, bytes: size, root, findings } = verification
  const { paint, talk } = invocation
  const holds = findings.length === 0
  await invocation.print(
    () => [
      holds
        ? paint.green('the log is what was written')
        : paint.red('the log is not what was written'),
      `  ${count(events)} events in ${count(streams)} streams, ${bytes(size)}`,
      ...findings.map(
        ({ position, message }) => `  ${paint.red('✗')} at ${position}: ${plain(message)}`,
      ),
      ...(holds
        ? [`  note this, and give it back with --noted: ${paint.bold(`${events}:${root}`)}`]
        : []),
    ],
    () => ({
      ...placeRecord(place),
      ...{ verified: holds, ...verification, note: holds ? `${events}:${root}` : null },
    }),
  )
  if (holds) return EXIT.ok
  talk.say('keep the log as it is, and compare it with a backup')
  return EXIT.unverified
}
