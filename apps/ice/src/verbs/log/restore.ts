/**
 * `ice log restore`: a backup becomes a log again, another life of the one it was taken from.
 *
 * It gets its name last, when it is whole, verified, and everything open in it is in doubt: no
 * process can open it before.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { EventStore } from '@ice/events/ports'
import {
  openSqliteEventStore,
  type RestoredLog,
  restoreSqliteEventStore,
  type SqliteEventStore,
} from '@ice/events-sqlite'
import { systemClock as clock } from '@ice/primitives'
import { parseNoted } from '../../args/noted.ts'
import { parseStore } from '../../config/store.ts'
import { listenForStop } from '../../drive/stop.ts'
import { CLI_CODES, CliError } from '../../errors.ts'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { notOfServer, using } from '../../log/open.ts'
import { mustBeFree, publish, removeLog } from '../../log/publish.ts'
import { bytes, counted } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'
import { doubtLines } from './import.ts'

/** Options of `log restore`. */
export interface RestoreVerbOptions {
  readonly to: string
  readonly noted: readonly string[]
  readonly archive?: string
}

/** Carries `log restore` out. @returns the exit code */
export async function restore(
  invocation: Invocation,
  typed: string,
  options: RestoreVerbOptions,
): Promise<number> {
  const { talk, cwd } = invocation
  const noted = options.noted.map(parseNoted)
  const to = parseStore(options.to, cwd)
  if (to.kind === 'postgres') throw notOfServer('A backup is restored to a file, and to no server')
  const { path } = to
  const backup = resolve(cwd, typed)
  mustBeBackup(backup)
  for (const suffix of ['', '-wal', '-shm']) mustBeFree(`${path}${suffix}`)
  const draft = `${path}.restoring`
  const archive = options.archive === undefined ? undefined : resolve(cwd, options.archive)
  const through = await archiveOf(path, archive)
  const stop = listenForStop(talk, 'the restoration')
  try {
    // What a killed one left: it was never a log.
    removeLog(draft)
    const restored = await restoreSqliteEventStore({
      ...{ backup, path: draft, noted, signal: stop.signal },
      ...(through === null ? {} : { through }),
      onProgress: (done, total) => talk.progress(`${bytes(done)} of ${bytes(total)} copied`),
    })
    talk.progress('verified; looking for what was open')
    const begun = await begin(draft, restored, through)
    publish(draft, path)
    talk.settle()
    await tell(invocation, { ...restored, path }, begun)
    return EXIT.ok
  } catch (error) {
    if (stop.exit !== null) return stop.exit
    throw error
  } finally {
    removeLog(draft)
    stop.release()
  }
}

function mustBeBackup(backup: string): void {
  if (existsSync(backup)) return
  throw new CliError(CLI_CODES.fileNotFound, `There is no backup at ${plain(backup)}`, {
    data: { path: backup },
    next: ['`ice log backup <file>` makes one'],
  })
}

type Through = (store: SqliteEventStore) => EventStore

/** How events are read that were moved to segments, if there are any. */
async function archiveOf(path: string, archive: string | undefined): Promise<Through | null> {
  const { openArchivedEventStore, segmentsFolder } = await import('@ice/events-archive')
  const directory = archive ?? segmentsFolder(path)
  if (!existsSync(directory)) return null
  return (store) => openArchivedEventStore({ store, directory })
}

interface Begun {
  readonly runs: number
  readonly doubts: number
}

async function begin(
  draft: string,
  restored: RestoredLog,
  through: Through | null,
): Promise<Begun> {
  const { beginIncarnation } = await import('@ice/runtime')
  const { from, head } = restored
  const root = restored.root ?? null
  const begun = await using(openSqliteEventStore({ path: draft, clock }), (store) =>
    beginIncarnation({ store: through?.(store) ?? store, clock, how: 'backup', from, head, root }),
  )
  return begun ?? { runs: 0, doubts: 0 }
}

async function tell(invocation: Invocation, restored: RestoredLog, begun: Begun): Promise<void> {
  const { path, head, root } = restored
  await invocation.print(
    () => [
      `restored ${counted(head, 'event')} to ${plain(path)}`,
      ...(root === undefined ? [] : [`  they are what was written: ${head}:${root}`]),
      ...doubtLines(begun),
    ],
    () => ({ root: null, ...restored, ...begun }),
  )
  invocation.talk.say(`see ${commandOn(path)}`)
}

function commandOn(path: string): string {
  return `ice runs --open --store ${plain(path)}`
}
