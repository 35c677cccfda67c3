/**
 * A store and its segments as one log, held to the same contract as any store.
 *
 *     append ──────────────────────────> store     (judged there: it knows where streams end)
 *     read, readAll, subscribe ─> pages ─┬> store  what is still there
 *                                        └> segments   what it says was moved
 *
 * Two answers of the store need the archive. A unit that meets events which were moved may be its
 * own retry: their bytes tell, so they are fetched and compared here. A unit that declares a blob
 * which was moved gets it brought back first. Both are free of races, because what was recorded
 * never changes.
 */
import { resolve } from 'node:path'
import { EVENTS_CODES, EventsError } from '@ice/events'
import {
  checkQuery,
  follow,
  type Page,
  readLog,
  readStream,
  retryAnswer,
  takeUnit,
} from '@ice/events/adapter'
import type {
  Appended,
  BlobStore,
  EvictableStore,
  PreparedUnit,
  PreparedWrite,
  StoredEvent,
  SubscribeQuery,
} from '@ice/events/ports'
import { type BlobDigest, errorRecord, hasCode, isBlobDigest } from '@ice/primitives'
import { EVENTS_ARCHIVE_CODES, EventsArchiveError } from './errors.ts'
import { SegmentFolder } from './folder.ts'
import { mergedBlobs } from './merged-blobs.ts'
import { checkArchived } from './merged-check.ts'
import { MergedPages } from './merged-pages.ts'
import type { ArchivedEventStore, ArchivedEventStoreOptions } from './ports.ts'
import { SegmentRecords } from './records.ts'
import { StoreWakeUp } from './wake-up.ts'

/**
 * Opens a store together with the folder that its older events were moved to.
 *
 * Nothing is read: a segment is looked for, hashed and held to what the log says of it when
 * something of it is asked for.
 *
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_OPTION_UNSUPPORTED`
 */
export function openArchivedEventStore(options: ArchivedEventStoreOptions): ArchivedEventStore {
  const archived = new Archived(checkedStore(options.store), checkedDirectory(options.directory))
  const { live } = archived
  return {
    live,
    directory: archived.folder.path,
    supports: live.supports,
    durability: live.durability,
    incarnation: live.incarnation,
    blobs: archived.blobs,
    append: (unit) => archived.append(unit),
    read: (query) => readStream(archived.pages, query),
    readAll: (query) => readLog(archived.pages, query),
    subscribe: (query) => archived.subscribe(query),
    head: () => live.head(),
    check: (checkOptions) => checkArchived(archived, checkOptions),
    segments: () => archived.records.all(),
    close: () => archived.close(),
  }
}

/** The port is optional: a caller without types may bring a store that lacks it. */
function checkedStore(store: EvictableStore): EvictableStore {
  if (typeof (store as Partial<EvictableStore>).eviction?.evict === 'function') return store
  throw new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.option,
    'This store cannot let go of events: it has no "eviction".',
    { option: 'store' },
  )
}

function checkedDirectory(directory: string): string {
  const isText = typeof directory === 'string' && directory !== '' && !directory.includes('\0')
  if (isText) return resolve(directory)
  throw new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.option,
    'The folder of an archive is a text of at least one character, without NUL.',
    { option: 'directory' },
  )
}

class Archived {
  readonly live: EvictableStore
  readonly folder: SegmentFolder
  readonly records: SegmentRecords
  readonly pages: MergedPages
  readonly blobs: BlobStore
  #isClosing = false

  constructor(live: EvictableStore, directory: string) {
    this.live = live
    this.folder = new SegmentFolder(directory)
    this.records = new SegmentRecords(live)
    this.pages = new MergedPages({
      live,
      folder: this.folder,
      records: this.records,
      mustBeOpen: () => this.#mustBeOpen(),
    })
    this.blobs = mergedBlobs(this)
  }

  #mustBeOpen(): void {
    if (this.#isClosing) throw new EventsError(EVENTS_CODES.notOpen, 'The archived log is closed')
  }

  append(unit: PreparedUnit): Promise<Appended> {
    // What is no unit goes to the store, which says so.
    if (namesStaged(unit)) return this.#appendStaged(unit)
    return this.live.append(unit).catch((error: unknown) => this.#answer(unit, error))
  }

  /** Blobs that were moved are brought back, one after the other, as the store misses them. */
  async #appendStaged(unit: PreparedUnit): Promise<Appended> {
    this.#mustBeOpen()
    // Copied before the first wait: the caller may change its bytes then.
    const own = takeUnit(unit)
    const brought = new Set<BlobDigest>()
    for (;;) {
      try {
        return await this.live.append(own)
      } catch (error) {
        const missing = missingBlob(error)
        if (missing === undefined || brought.has(missing)) return await this.#answer(own, error)
        const segment = await this.live.eviction.blobSegment(missing, unit.signal)
        if (segment === undefined) throw error
        await this.live.blobs.stage(this.blobs.stream(missing), { digest: missing })
        brought.add(missing)
      }
    }
  }

  /** The store knows that the places are taken, and not by what: the segments do. */
  async #answer(unit: PreparedUnit, error: unknown): Promise<Appended> {
    if (!hasCode(error, EVENTS_CODES.archived)) throw error
    const found = new Map<string, StoredEvent>()
    for (const write of unit.writes) {
      let version = fromOf(write)
      const query = { stream: write.stream, after: version, limit: write.events.length }
      for await (const batch of readStream(this.pages, query)) {
        for (const stored of batch) {
          version += 1
          found.set(`${write.stream}@${version}`, stored)
        }
      }
    }
    const answer = retryAnswer(unit, (stream, version) => found.get(`${stream}@${version}`))
    if (answer !== undefined) return answer
    throw (error as { readonly cause?: unknown }).cause ?? error
  }

  async *subscribe(query: SubscribeQuery): AsyncGenerator<readonly StoredEvent[]> {
    this.#mustBeOpen()
    checkQuery(query)
    const wakeUp = new StoreWakeUp(this.live, () => this.#isClosing)
    yield* follow(query, (after) => this.#livePage(after, query, wakeUp), wakeUp)
  }

  async #livePage(after: number, { filter }: SubscribeQuery, wakeUp: StoreWakeUp): Promise<Page> {
    try {
      const head = await this.pages.head()
      wakeUp.head = head
      return { ...(await this.pages.ofLog({ after, upTo: head, filter }, undefined)), head }
    } catch (error) {
      // What a closing log refuses is the end of a subscription.
      if (this.#isClosing) return { events: [], upTo: after, end: true, head: after }
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.live.close()
    this.folder.close()
  }
}

function namesStaged(unit: PreparedUnit | undefined): boolean {
  const blobs: unknown = unit?.blobs
  return Array.isArray(blobs) && blobs.some((one) => typeof one === 'object' && isStaged(one))
}

function isStaged(blob: object | null): boolean {
  return blob !== null && !('bytes' in blob)
}

function fromOf({ expectedVersion }: PreparedWrite): number {
  return typeof expectedVersion === 'number' ? expectedVersion : 0
}

function missingBlob(error: unknown): BlobDigest | undefined {
  if (!hasCode(error, EVENTS_CODES.blobNotFound)) return undefined
  const digest = errorRecord(error).data?.['digest']
  return isBlobDigest(digest) ? digest : undefined
}
