/** Recorded histories: exports that are read into memory, and logs that are read where they are. */
import { closeSync, createReadStream, existsSync, openSync, readSync, statSync } from 'node:fs'
import {
  composeTaxonomy,
  createEventLog,
  type EventType,
  importLog,
  memoryEventStore,
  standardTypes,
} from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import { systemClock as clock } from '@ice/primitives'
import { parseStore, type StorePlace } from '../config/store.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { existingStore, type Invocation } from '../invocation.ts'
import { HISTORY_BYTES_MAX } from '../limits.ts'
import { readPlace } from '../log/open.ts'
import { plain } from '../terminal/text.ts'

/** A history that can be read; nothing can be lost by writing to it, and nobody does. */
export interface History {
  /** As it was named; of a log on a server, where it is. */
  readonly name: string
  readonly log: EventLog
  close(): Promise<void>
}

/**
 * Opens what was named: an export is recognised by its first character.
 *
 * @throws `ICE_CLI_FILE_NOT_FOUND`, `ICE_CLI_USAGE_UNSUPPORTED`, what importing throws
 */
export async function openHistory(
  name: string,
  types: readonly EventType[],
  { cwd }: Pick<Invocation, 'cwd'>,
): Promise<History> {
  const place = parseStore(name, cwd)
  if (place.kind === 'postgres') return openLog(place.name, place, types)
  const { path } = place
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new CliError(CLI_CODES.fileNotFound, `There is no history at ${plain(path)}`, {
      data: { path },
      next: ['`ice log export --output <file>` writes one'],
    })
  }
  return isExport(path) ? openExport(name, path, types) : openLog(name, place, types)
}

/** The log that is chosen by the options that every verb takes. */
export async function openChosen(
  invocation: Invocation,
  types: readonly EventType[],
): Promise<History> {
  const place = await existingStore(invocation)
  return openLog(place.name, place, types)
}

function isExport(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const first = Buffer.alloc(1)
    return readSync(file, first, 0, 1, 0) === 1 && first[0] === '{'.charCodeAt(0)
  } finally {
    closeSync(file)
  }
}

async function openLog(
  name: string,
  place: StorePlace,
  types: readonly EventType[],
): Promise<History> {
  const { log, close } = await readPlace(place, { types })
  return { name, log, close }
}

async function openExport(
  name: string,
  path: string,
  types: readonly EventType[],
): Promise<History> {
  const { size } = statSync(path)
  if (size > HISTORY_BYTES_MAX) {
    const message = `${plain(path)} has ${size} bytes; an export of at most ${HISTORY_BYTES_MAX} is`
    throw new CliError(CLI_CODES.usage, `${message} read as it is`, {
      next: ['make a log of it: ice log import --store <log> <file>, and name the log'],
    })
  }
  const store = memoryEventStore({ clock })
  const taxonomy = composeTaxonomy([...standardTypes, ...types])
  const source = createReadStream(path, { highWaterMark: 262_144 })
  await importLog(store, source, { taxonomy, unknownTypes: 'keep' })
  return {
    name,
    log: createEventLog({ store, taxonomy, clock }),
    close: () => store.close(),
  }
}
