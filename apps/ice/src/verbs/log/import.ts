/**
 * `ice log import`: an export becomes the log it was taken from.
 *
 * A log that is not there yet is made under another name, and gets its own when all of it is in
 * and what was open is in doubt: nobody can start a run on half a log. What was killed in between
 * is gone on with by the same command.
 */
import { createReadStream, existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { composeTaxonomy, type ImportReport, importLog, standardTypes } from '@ice/events'
import { systemClock as clock, hasCode } from '@ice/primitives'
import { parseNoted } from '../../args/noted.ts'
import { type FilePlace, placeRecord, type StorePlace } from '../../config/store.ts'
import { listenForStop } from '../../drive/stop.ts'
import { CLI_CODES, CliError } from '../../errors.ts'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { type LogReader, makeFolder, readLog, readPlace, using } from '../../log/open.ts'
import { publish, removeLog } from '../../log/publish.ts'
import { count, counted } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'

/** Options of `log import`. */
export interface ImportVerbOptions {
  readonly noted: readonly string[]
  readonly keepUnknown?: boolean
  readonly more?: boolean
}

/** Carries `log import` out. @returns the exit code */
export async function importVerb(
  invocation: Invocation,
  typed: string,
  options: ImportVerbOptions,
): Promise<number> {
  const { talk, cwd } = invocation
  const noted = options.noted.map(parseNoted)
  const source = typed === '-' ? process.stdin : openSource(resolve(cwd, typed))
  const store = await invocation.store()
  const { place, publishDraft } = targetOf(store)
  const stop = listenForStop(talk, 'the import')
  try {
    const done = await using(await readPlace(place, { opening: 'create' }), async (reader) => {
      const report = await importLog(reader.store, source, {
        taxonomy: composeTaxonomy(standardTypes),
        unknownTypes: options.keepUnknown === true ? 'keep' : 'refuse',
        noted,
        signal: stop.signal,
        onProgress: (at, to) => talk.progress(`${count(at)} of ${count(to)} events imported`),
      })
      const begun = options.more === true ? null : await begin(reader, report)
      return { report, begun, incarnation: reader.store.incarnation }
    })
    if (options.more !== true) publishDraft?.()
    talk.settle()
    await tell(invocation, store, { ...done, more: options.more === true })
    return EXIT.ok
  } catch (error) {
    talk.settle()
    if (publishDraft !== null) await tellOfDraft(invocation, place.path, error)
    if (stop.exit !== null) return stop.exit
    throw error
  } finally {
    stop.release()
  }
}

/** Where the events go, and how that becomes the log; `null` where it is the log already. */
type Target =
  | { readonly place: FilePlace; readonly publishDraft: () => void }
  | { readonly place: StorePlace; readonly publishDraft: null }

function targetOf(store: StorePlace): Target {
  // A schema has its name from the beginning: events come in one after another, for all to see.
  if (store.kind === 'postgres' || existsSync(store.path)) {
    return { place: store, publishDraft: null }
  }
  const path = `${store.path}.importing`
  makeFolder(dirname(path))
  const publishDraft = (): void => publish(path, store.path)
  return { place: { kind: 'file', path, name: path }, publishDraft }
}

/** What is left of an import that did not come to its end. */
async function tellOfDraft({ talk }: Invocation, place: string, error: unknown): Promise<void> {
  if (!existsSync(place)) return
  const { position } = await using(readLog(place), ({ store }) => store.head())
  if (position === 0) removeLog(place)
  else if (hasCode(error, 'ICE_EVENTS_IMPORT_CONFLICT')) {
    talk.say(`${plain(place)} holds a beginning of another log: remove it to begin anew`)
  } else {
    const what = counted(position, 'event')
    talk.say(`${what} are in ${plain(place)}: the same command goes on from there`)
  }
}

function openSource(path: string): AsyncIterable<Uint8Array> {
  if (!existsSync(path)) {
    throw new CliError(CLI_CODES.fileNotFound, `There is no export at ${plain(path)}`, {
      data: { path },
      next: ['`ice log export --output <file>` writes one'],
    })
  }
  return createReadStream(path, { highWaterMark: 262_144 })
}

interface Begun {
  readonly runs: number
  readonly doubts: number
}

/** What a beginning records before it says that it is done. */
const BEGINNING: ReadonlySet<string> = new Set([
  'LogConfigured',
  'TaxonomyAdopted',
  'EffectInDoubt',
])

/** Another life of the log, unless it is the same, or has gone its own way already. */
async function begin({ log, store }: LogReader, report: ImportReport): Promise<Begun | null> {
  const { incarnation: from, to: head, root } = report
  if (store.incarnation === from) return null
  for await (const batch of log.readAll({ after: head })) {
    if (batch.some(({ type }) => !BEGINNING.has(type))) return null
  }
  const { beginIncarnation } = await import('@ice/runtime')
  return beginIncarnation({ store, clock, how: 'import', from, head, root })
}

interface Done {
  readonly report: ImportReport
  readonly begun: Begun | null
  readonly incarnation: string
  /** It waits for more. */
  readonly more: boolean
}

async function tell(
  invocation: Invocation,
  place: StorePlace,
  { report, begun, incarnation, more }: Done,
): Promise<void> {
  const { incarnation: from, ...rest } = report
  const { appended, after, to, root, blobs, absent } = rest
  const there = to - after - appended
  const brought = `${counted(appended, 'event')} and ${counted(blobs, 'blob')}`
  await invocation.print(
    () => [
      `imported ${brought} into ${plain(place.name)}` +
        (there > 0 ? `; ${counted(there, 'event')} had been there` : ''),
      `  it holds what was exported: ${to}:${root}`,
      ...(absent > 0 ? [`  ${counted(absent, 'blob')} the exported log did not have either`] : []),
      ...(begun === null ? [] : doubtLines(begun)),
      ...(more ? ['  it waits for more: import it without --more in the end'] : []),
    ],
    () => ({ ...placeRecord(place), incarnation, from, ...rest, begun }),
  )
}

/** What is said of a log that begins another life. */
export function doubtLines({ runs, doubts }: Begun): readonly string[] {
  return [
    `  it is another life of that log, with ${counted(runs, 'run')} that had not ended and ` +
      `${counted(doubts, 'effect')} in doubt`,
    ...(runs === 0
      ? []
      : [
          '  what those runs did since, only the world knows: look before they go on',
          '  each is in quarantine until it is let go on: ice release <run> --reason <text>',
        ]),
  ]
}
