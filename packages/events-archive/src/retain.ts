/**
 * Carrying out a policy of retention.
 *
 *     what was broken off ─> finished        a sealed segment that the store still has events of
 *     older runs ─> segments, one at a time  written → verified → named → recorded → let go of
 *     still too large ─> younger runs        as far as the policy allows, until there is room
 *
 * 1. Nothing leaves the store before the log says where it went, and nothing is said before the
 *    file has been read back and held against the log.
 * 2. A crash at any point leaves one of: a partial file (removed by the next call), a segment that
 *    the log does not know (recorded by the next call when it is sound and still new, otherwise
 *    removed), a recorded segment of which the store still has events (let go of by the next call).
 * 3. Of two processes that retain at once, one records its segment; the other is told.
 * 4. What cannot be moved is counted, and a bound that cannot be kept is a finding.
 */
import type { EventLog } from '@ice/events/ports'
import { hasCode, invariant } from '@ice/primitives'
import { Batch } from './batch.ts'
import { concludedRuns, type RunCounts } from './concluded.ts'
import { EVENTS_ARCHIVE_CODES, EventsArchiveError } from './errors.ts'
import { SegmentFolder } from './folder.ts'
import { SEGMENT_BYTES_MAX } from './limits.ts'
import type {
  RetainOptions,
  RetentionFinding,
  RetentionMoved,
  RetentionPolicy,
  RetentionReport,
  SegmentRecord,
} from './ports.ts'
import { SEGMENT_SEALED } from './records.ts'
import { holdAgainstLog, record, type Sealing, sealBatch } from './seal.ts'
import { verifySegment } from './verify-segment.ts'

/**
 * Carries out a policy once. Appends and reads of the log go on meanwhile.
 *
 * @param log - the gateway over `options.archive`; its taxonomy has `SegmentSealed`
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_OPTION_UNSUPPORTED`,
 * `ICE_EVENTS_ARCHIVE_RETENTION_CONFLICT`, `ICE_EVENTS_ARCHIVE_UNAVAILABLE`; and
 * `ICE_EVENTS_ARCHIVE_SEGMENT_NOT_FOUND`, `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT` — a sealed segment
 * of which the store still has events is not what the log says; the events stay where they are
 */
export async function retain(log: EventLog, options: RetainOptions): Promise<RetentionReport> {
  checkPolicy(log, options)
  const retention = new Retention(log, options)
  return options.dryRun === true ? retention.survey() : retention.run()
}

function checkPolicy(log: EventLog, { archive, policy }: RetainOptions): void {
  const refuse = (option: string, why: string): never => {
    const { option: code } = EVENTS_ARCHIVE_CODES
    throw new EventsArchiveError(code, `"${option}" ${why}`, { option })
  }
  if (log.store !== archive) refuse('log', 'is not the log of this archive')
  if (!log.taxonomy.has(SEGMENT_SEALED)) refuse('log', `has no event type ${SEGMENT_SEALED}`)
  const { concludedForMs, concludedUnderPressureForMs, diskBytesMax, segmentBytesMax } = policy
  const counts = { concludedForMs, concludedUnderPressureForMs, diskBytesMax, segmentBytesMax }
  for (const [name, value] of Object.entries(counts)) {
    if (value === undefined && name !== 'concludedForMs') continue
    if (!Number.isSafeInteger(value) || Number(value) < 0) refuse(name, 'is no count')
  }
}

class Retention {
  readonly #options: RetainOptions
  readonly #sealing: Sealing
  readonly #policy: Required<RetentionPolicy>
  readonly #moved = { runs: 0, events: 0, eventBytes: 0 }
  readonly #segments: SegmentRecord[] = []
  readonly #removed: string[] = []
  readonly #counts: RunCounts = { open: 0, young: 0 }
  #resumed = 0
  /** Segments that the log names. */
  #known = 0

  constructor(log: EventLog, options: RetainOptions) {
    const { archive, policy, signal } = options
    this.#options = options
    this.#sealing = { log, archive, folder: new SegmentFolder(archive.directory), signal }
    this.#policy = {
      diskBytesMax: Number.MAX_SAFE_INTEGER,
      concludedUnderPressureForMs: policy.concludedForMs,
      segmentBytesMax: SEGMENT_BYTES_MAX,
      ...policy,
    }
  }

  async run(): Promise<RetentionReport> {
    const before = await this.#disk()
    try {
      await this.#finish()
      await this.#tidy()
      const { concludedForMs, concludedUnderPressureForMs } = this.#policy
      await this.#move(concludedForMs, async () => false)
      if (concludedUnderPressureForMs < concludedForMs && (await this.#isOver())) {
        await this.#move(concludedUnderPressureForMs, async () => !(await this.#isOver()))
      }
    } finally {
      this.#sealing.folder.close()
    }
    return this.#report(before, await this.#disk())
  }

  /** What `run` would move, without the room that would be gained. */
  async survey(): Promise<RetentionReport> {
    const disk = await this.#disk()
    const { live } = this.#options.archive
    const cutoff = this.#cutoff(this.#policy.concludedForMs)
    for await (const run of this.#concluded(cutoff)) {
      const whole = { after: 0, upTo: run.version, limit: run.version, backwards: false }
      for (let after = 0; after < run.version; ) {
        const page = await live.eviction.liveStream({ stream: run.stream, ...whole, after })
        if (page.events.length === 0) break
        this.#moved.events += page.events.length
        for (const { bytes } of page.events) this.#moved.eventBytes += Buffer.byteLength(bytes)
        after = page.last
      }
      this.#moved.runs += 1
    }
    return this.#report(disk, disk)
  }

  #disk() {
    return this.#options.archive.live.eviction.disk()
  }

  async #isOver(): Promise<boolean> {
    const { bytes, freeBytes } = await this.#disk()
    return bytes - freeBytes > this.#policy.diskBytesMax
  }

  #cutoff(ageMs: number): number {
    return this.#options.clock.now() - ageMs
  }

  #concluded(before: number) {
    const { archive, signal } = this.#options
    return concludedRuns({ live: archive.live, before, counts: this.#counts, signal })
  }

  /** Lets go of what earlier calls have sealed. */
  async #finish(): Promise<void> {
    const { archive } = this.#options
    const records = await archive.segments()
    const done = new Set<string>()
    for (const { segment, isDone } of await archive.live.eviction.segments()) {
      if (isDone) done.add(segment)
    }
    for (const one of records) {
      if (done.has(one.segment)) continue
      await this.#evict(one)
      this.#segments.push(one)
      this.#resumed += 1
    }
    this.#known = records.length
  }

  /** Removes what was broken off before it had its name; records what was, before it was told. */
  async #tidy(): Promise<void> {
    const { folder, archive } = this.#sealing
    for (const name of folder.partial()) this.#remove(name)
    const known = new Set((await archive.segments()).map(({ segment }) => segment))
    for (const name of folder.sealed()) {
      if (!known.has(name)) await this.#adopt(name)
    }
  }

  #remove(name: string): void {
    this.#sealing.folder.remove(name)
    this.#removed.push(name)
  }

  /** A file of another history is left alone: it may be all there is of it. */
  async #adopt(name: string): Promise<void> {
    const { folder, archive, signal } = this.#sealing
    const path = folder.pathOf(name)
    try {
      const verified = await verifySegment(path, signal)
      if (verified.footer.incarnation !== archive.incarnation) return
      await holdAgainstLog(path, this.#sealing)
      const sealed = await record(this.#sealing, { name, verified, known: this.#known })
      await this.#took(sealed)
      this.#resumed += 1
    } catch (error) {
      if (!hasCode(error, EVENTS_ARCHIVE_CODES.segmentCorrupt)) throw error
      this.#remove(name)
    }
  }

  async #move(ageMs: number, isEnough: () => Promise<boolean>): Promise<void> {
    const { archive, signal } = this.#sealing
    let batch = new Batch(this.#policy.segmentBytesMax)
    const flush = async (): Promise<void> => {
      const full = batch
      batch = new Batch(this.#policy.segmentBytesMax)
      await this.#took(await sealBatch(this.#sealing, full, this.#known))
      this.#moved.runs += full.runs
      this.#moved.events += full.size
      this.#moved.eventBytes += full.eventBytes
      this.#options.onProgress?.({ ...this.#moved })
    }
    for await (const { stream, version } of this.#concluded(this.#cutoff(ageMs))) {
      for (let after = 0; after < version; ) {
        const range = { after, upTo: version, limit: version, backwards: false, signal }
        const page = await archive.live.eviction.liveStream({ stream, ...range })
        if (page.events.length === 0) break
        for (const event of page.events) {
          if (batch.isFull) await flush()
          batch.add(event)
        }
        after = page.last
      }
      batch.runs += 1
      if (!batch.isFull) continue
      await flush()
      if (await isEnough()) return
    }
    if (batch.size > 0) await flush()
  }

  /** A segment was recorded: its events may go. */
  async #took(sealed: SegmentRecord): Promise<void> {
    this.#known += 1
    this.#segments.push(sealed)
    await this.#evict(sealed)
  }

  async #evict(sealed: SegmentRecord): Promise<void> {
    const { folder, archive, signal } = this.#sealing
    const segment = await folder.use(sealed)
    invariant(segment.footer.events === sealed.events, 'a trusted segment is the one recorded')
    await archive.live.eviction.evict({
      sealed: sealed.sealed,
      segment: sealed.segment,
      events: segment.events(),
      blobs: [...segment.blobs].map(({ digest }) => digest),
      signal,
    })
  }

  #report(before: RetentionReport['before'], after: RetentionReport['after']): RetentionReport {
    const moved: RetentionMoved = { ...this.#moved }
    return {
      moved,
      segments: this.#segments,
      resumed: this.#resumed,
      removed: this.#removed,
      kept: { ...this.#counts },
      before,
      after,
      findings: this.#findings(after),
    }
  }

  #findings({ bytes, freeBytes }: RetentionReport['after']): readonly RetentionFinding[] {
    const { diskBytesMax } = this.#policy
    const used = bytes - freeBytes
    if (used <= diskBytesMax) return []
    const { open, young } = this.#counts
    const message =
      `The log takes ${used} bytes, and ${diskBytesMax} are declared. Nothing more may be moved: ` +
      `${open} runs are open and ${young} have ended too lately. Nothing was dropped.`
    return [{ code: EVENTS_ARCHIVE_CODES.diskLimit, message }]
  }
}
