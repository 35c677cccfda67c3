/**
 * An import: the lines of an export become the log they were taken from, position by position.
 *
 *     lines ──► page ──seal──► held to what is here ──► judged by the gateway ──► appended
 *
 * 1. Events are held back until a seal vouches for them. So a line that was damaged, moved, left
 *    out, repeated or put in is found before any event of its page is in the log.
 * 2. What is in the log is a beginning of what was exported, at every moment, whatever kills the
 *    import; and importing again goes on from there. Doing it once more changes nothing.
 * 3. Nothing comes in that `append` would have refused: see `prepareStored`.
 * 4. Memory is one page of events and one portion of a blob.
 *
 * The trap this closes: a restore that has to be started from nothing because it was interrupted,
 * or that was interrupted and does not show it.
 */

import { type Hash, hasCode, leafHash } from '@ice/primitives'
import { compactRange } from '../compact-range.ts'
import { EVENTS_CODES } from '../errors.ts'
import { EVENT_BYTES_MAX } from '../limits.ts'
import type { EventStore } from '../ports.ts'
import { prepareStored, type StoredRules } from '../prepare-stored.ts'
import { checkSignal } from '../store-checks.ts'
import type { NotedRoot } from '../verify.ts'
import {
  CONTROL_PREFIX,
  type ControlLine,
  controlOf,
  type EndLine,
  EVENT_PREFIX,
  type HeaderLine,
  type SealLine,
} from './control-lines.ts'
import { IncomingBlobs } from './incoming-blobs.ts'
import { HELD_BYTES_MAX, SEAL_EVENTS_MAX, SEAL_LEAF_DIGITS } from './limits.ts'
import {
  atLine,
  badLine,
  decodeLine,
  type ImportSource,
  type Line,
  LineReader,
} from './line-reader.ts'
import { importConflict, PresentEvents } from './present.ts'
import { type IncomingEvent, type IncomingUnit, strayPosition, unitsOf } from './units.ts'

/** Settings of an import. */
export interface ImportOptions extends StoredRules {
  /** Roots that the imported log must have at their sizes: an export vouches only for itself. */
  readonly noted?: readonly NotedRoot[]
  /** A larger blob is refused. @units bytes @defaultValue 1 GiB */
  readonly blobBytesMax?: number
  readonly signal?: AbortSignal
  /** Called for every page. */
  readonly onProgress?: (position: number, to: number) => void
}

/** What an import has done. */
export interface ImportReport {
  /** The history the export was taken from. */
  readonly incarnation: string
  /** Digest of the taxonomy it was written with, if the export says so. */
  readonly taxonomy: Hash | null
  /** The export began behind this position, and ended with `to`. */
  readonly after: number
  readonly to: number
  /** RFC 9162 root of the first `to` events, here as there. */
  readonly root: Hash
  /** Events that were appended now; the others were there. */
  readonly appended: number
  /** Blobs that were brought in now. */
  readonly blobs: number
  /** Blobs that events name and the exported log did not have. */
  readonly absent: number
}

/**
 * Imports an export into an empty log, or into one that holds a beginning of it.
 *
 * Nobody else may append to the log meanwhile: their event would take a position. It is told, but
 * only when it has happened. Retrying after any failure is safe.
 *
 * @throws `ICE_EVENTS_IMPORT_CORRUPT`, `ICE_EVENTS_IMPORT_CONFLICT`,
 * `ICE_EVENTS_FORMAT_UNSUPPORTED`, what `prepareStored` and `EventStore.append` throw, with
 * `data.line` where it is about one; of the line and all after it nothing was imported
 * @source RFC 0003, EVT-R91
 */
export async function importLog(
  store: EventStore,
  source: ImportSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const reader = new LineReader(source)
  const { position } = await store.head()
  const present = new PresentEvents(store, position)
  try {
    return await new Importer({ store, options, reader, present }).run()
  } finally {
    await present.close()
    await reader.close()
  }
}

/** An event that waits for its seal. */
interface Held {
  readonly line: number
  readonly text: string
  readonly hash: Hash
}

interface ImporterInit {
  readonly store: EventStore
  readonly options: ImportOptions
  readonly reader: LineReader
  readonly present: PresentEvents
}

class Importer {
  readonly #init: ImporterInit
  readonly #range = compactRange()
  #held: Held[] = []
  #heldBytes = 0
  readonly #blobs: IncomingBlobs
  /** Position of the last sealed event. */
  #position = 0
  #appended = 0

  constructor(init: ImporterInit) {
    this.#init = init
    this.#blobs = new IncomingBlobs(init)
  }

  async run(): Promise<ImportReport> {
    const { reader, options } = this.#init
    const first = await this.#begin()
    for (;;) {
      const line = reader.nextHere() ?? (await reader.next())
      if (line === null) throw badLine(reader.number + 1, 'it is missing: the export is cut off')
      const text = decodeLine(line)
      if (!text.startsWith(CONTROL_PREFIX)) {
        this.#hold(line, text)
        continue
      }
      const control = controlOf(line, text)
      if (control.$ice === 'end') return this.#end(line, control, first)
      await this.#control(line, control, first)
      checkSignal(options.signal)
    }
  }

  /** The header; and what stands before the first event of the export is here. */
  async #begin(): Promise<HeaderLine> {
    const { reader, present, options } = this.#init
    checkSignal(options.signal)
    const line = await reader.next()
    const header = line === null ? undefined : headerOf(line)
    if (header === undefined || header.after > header.to) {
      throw badLine(1, 'it is not the first line of an export')
    }
    const { after, root } = header
    if (present.head < after) {
      const why = `the export continues a log of ${after} events, and here are ${present.head}`
      throw importConflict(why, { position: present.head })
    }
    this.#checkNoted()
    while (this.#position < after) {
      const { hash } = await present.next()
      this.#take(hash)
    }
    if (this.#range.root() !== root) {
      throw importConflict(`the export continues another log than the one here`, { root })
    }
    return header
  }

  #take(leaf: Hash): void {
    this.#range.append(leaf)
    this.#position += 1
    this.#checkNoted()
  }

  #checkNoted(): void {
    for (const { size, root } of this.#init.options.noted ?? []) {
      if (size !== this.#position || root === this.#range.root()) continue
      const why = `its root at ${size} is ${this.#range.root()}, not the ${root} that was noted`
      throw badLine(this.#init.reader.number, why)
    }
  }

  #hold(line: Line, text: string): void {
    const { number, bytes } = line
    if (!text.startsWith(EVENT_PREFIX)) throw badLine(number, 'it is no line of an export')
    if (bytes.byteLength > EVENT_BYTES_MAX) {
      throw badLine(number, `an event has at most ${EVENT_BYTES_MAX} bytes`)
    }
    if (this.#held.length >= SEAL_EVENTS_MAX || this.#heldBytes >= HELD_BYTES_MAX) {
      throw badLine(number, 'a seal is missing before it')
    }
    this.#held.push({ line: number, text, hash: leafHash(bytes) })
    this.#heldBytes += bytes.byteLength
  }

  async #control(line: Line, control: ControlLine, header: HeaderLine): Promise<void> {
    switch (control.$ice) {
      case 'blob':
        return this.#blobs.bring(line, control)
      case 'absent':
        return this.#blobs.declareAbsent(line, control.digest)
      case 'seal':
        await this.#seal(line, control, header)
        return this.#init.options.onProgress?.(this.#position, header.to)
      default:
        throw badLine(line.number, 'a header stands only at the beginning')
    }
  }

  /** A seal: the events before it are the exported ones, and may go in. */
  async #seal(line: Line, seal: SealLine, { to }: HeaderLine): Promise<void> {
    const held = this.#held
    const before = this.#position
    checkLeaves(line, seal, held)
    if (held.length === 0 || seal.at !== before + held.length || seal.at > to) {
      throw badLine(line.number, `a seal of position ${seal.at} does not follow here`)
    }
    for (const { hash } of held) this.#take(hash)
    if (this.#range.root() !== seal.root) {
      const first = held[0]?.line ?? line.number
      throw badLine(first, `the lines up to ${line.number} are not those that were exported`)
    }
    await this.#append(held, before)
    this.#held = []
    this.#heldBytes = 0
    this.#blobs.sealed()
  }

  async #append(held: readonly Held[], before: number): Promise<void> {
    const { store, options, present } = this.#init
    const incoming: IncomingEvent[] = []
    for (const [at, one] of held.entries()) {
      const position = before + at + 1
      if (position > present.head) incoming.push(await this.#prepare(one, position))
      else await this.#compare(one, position)
    }
    const units = unitsOf(incoming, options.signal)
    const answers = await Promise.allSettled(units.map(({ unit }) => store.append(unit)))
    for (const [at, answer] of answers.entries()) {
      const unit = units[at] as IncomingUnit
      if (answer.status === 'rejected') throw refused(answer.reason, unit)
      const stray = strayPosition(unit, answer.value)
      if (stray !== null) {
        const why = `somebody else writes to it: position ${stray} was theirs`
        throw importConflict(why, { position: stray, line: unit.first.line })
      }
      this.#appended += unit.count
    }
  }

  async #prepare({ line, text }: Held, position: number): Promise<IncomingEvent> {
    let prepared: ReturnType<typeof prepareStored>
    try {
      prepared = prepareStored(text, this.#init.options)
    } catch (error) {
      throw atLine(error, line)
    }
    const blobs = await this.#blobs.namedBy(text, line)
    return { ...prepared, line, position, blobs }
  }

  async #compare({ line, text }: Held, position: number): Promise<void> {
    const stored = await this.#init.present.next()
    if (stored.bytes === text) return
    throw importConflict(`another event stands at ${position}`, { position, line })
  }

  async #end(line: Line, end: EndLine, header: HeaderLine): Promise<ImportReport> {
    const { reader, options } = this.#init
    const { after, to, incarnation, taxonomy } = header
    const root = this.#range.root()
    if (this.#held.length > 0) throw badLine(line.number, 'a seal is missing before it')
    const isWhole = this.#position === to && end.to === to
    if (!isWhole || end.events !== to - after) throw badLine(line.number, 'events are missing')
    if (end.root !== root || end.digest !== reader.digestBefore()) {
      throw badLine(line.number, 'it does not vouch for the lines before it')
    }
    const beyond = options.noted?.find(({ size }) => size > to)
    if (beyond !== undefined) {
      throw badLine(line.number, `the log ends at ${to}, though ${beyond.size} events were noted`)
    }
    if ((await reader.next()) !== null) throw badLine(reader.number, 'it stands behind the end')
    return {
      ...{ incarnation, taxonomy, after, to, root },
      ...{ appended: this.#appended, blobs: this.#blobs.broughtIn, absent: this.#blobs.missing },
    }
  }
}

function headerOf(line: Line): HeaderLine | undefined {
  const text = decodeLine(line)
  if (!text.startsWith(CONTROL_PREFIX)) return undefined
  const control = controlOf(line, text)
  return control.$ice === 'log' && control.format > 0 ? control : undefined
}

/** Finds the line that is not what its seal says. */
function checkLeaves({ number }: Line, { leaves }: SealLine, held: readonly Held[]): void {
  for (const [at, { line, hash }] of held.entries()) {
    const from = at * SEAL_LEAF_DIGITS
    if (leaves.slice(from, from + SEAL_LEAF_DIGITS) === hash.slice(0, SEAL_LEAF_DIGITS)) continue
    throw badLine(line, 'it is not the line that was exported')
  }
  if (leaves.length === held.length * SEAL_LEAF_DIGITS) return
  throw badLine(number, 'events are missing before it')
}

function refused(error: unknown, { first, last }: IncomingUnit): unknown {
  const stale = [EVENTS_CODES.versionConflict, EVENTS_CODES.guardConflict]
  if (!stale.some((code) => hasCode(error, code))) return atLine(error, first.line)
  const data = { position: first.position, line: first.line }
  const why = `the events of lines ${first.line} to ${last.line} do not follow on it`
  return importConflict(why, data, error)
}
