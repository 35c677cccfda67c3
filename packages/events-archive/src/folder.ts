/**
 * The folder of the segments: names, and the few segments that are open.
 *
 * A file is trusted once per process: hashed from end to end and held to the digest that the log
 * has of it. It is trusted again, without that, while it is the same file of the same size and
 * times; what changes its bytes and keeps these is caught by `check` and by `verifyLog`.
 *
 *     segment-<first position>-<beginning of its digest>.ice     a sealed segment
 *     <name>.partial-<uuid>                                      one that is being written
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Hash } from '@ice/primitives'
import { corrupt, systemFailure } from './errors.ts'
import { OPEN_SEGMENTS_MAX } from './limits.ts'
import { type FileOctets, fileOctets } from './octets.ts'
import type { SegmentRecord } from './ports.ts'
import { Segment } from './segment.ts'
import { digestOf } from './verify-segment.ts'

const SEALED = /^segment-\d{1,16}-[0-9a-f]{16}\.ice$/
const PARTIAL = /^segment-\d{1,16}\.partial-[0-9a-f-]{36}$/

/** The name of a segment: where it begins, and what is in it. */
export function segmentName(firstPosition: number, digest: Hash): string {
  return `segment-${firstPosition}-${digest.slice(0, 16)}.ice`
}

/** Where the segments of a log in a file are, unless something else is said: beside it. */
export function segmentsFolder(path: string): string {
  return `${path}.segments`
}

/** Whether this is the name of a segment: it leads nowhere but into the folder. */
export function isSegmentName(value: unknown): value is string {
  return typeof value === 'string' && SEALED.test(value)
}

interface Opened {
  readonly segment: Segment
  readonly octets: FileOctets
}

/** The segments of one log. */
export class SegmentFolder {
  readonly path: string
  /** In the order of use, the latest last. */
  readonly #open = new Map<string, Opened>()
  readonly #trusted = new Map<string, string>()
  readonly #opening = new Map<string, Promise<void>>()

  /** @param path - absolute; need not be there */
  constructor(path: string) {
    this.path = path
  }

  /** The path of a segment. */
  pathOf(name: string): string {
    return join(this.path, name)
  }

  /**
   * A segment that the log names. The caller reads from it before its next turn: later it may have
   * been closed.
   *
   * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_NOT_FOUND`,
   * `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT`, `ICE_EVENTS_ARCHIVE_UNAVAILABLE`
   */
  async use(record: SegmentRecord): Promise<Segment> {
    for (;;) {
      const opened = this.#open.get(record.segment)
      if (opened !== undefined) {
        this.#open.delete(record.segment)
        this.#open.set(record.segment, opened)
        return opened.segment
      }
      const opening = this.#opening.get(record.segment) ?? this.#begin(record)
      await opening
    }
  }

  #begin(record: SegmentRecord): Promise<void> {
    const opening = this.#openOne(record).finally(() => this.#opening.delete(record.segment))
    this.#opening.set(record.segment, opening)
    return opening
  }

  async #openOne(record: SegmentRecord): Promise<void> {
    const octets = fileOctets(this.pathOf(record.segment))
    try {
      const segment = new Segment(octets)
      await this.#trust(octets, segment, record)
      this.#open.set(record.segment, { segment, octets })
    } catch (error) {
      octets.close()
      throw error
    }
    for (const [name, { octets: oldest }] of this.#open) {
      if (this.#open.size <= OPEN_SEGMENTS_MAX) break
      this.#open.delete(name)
      oldest.close()
    }
  }

  async #trust(octets: FileOctets, { footer }: Segment, record: SegmentRecord): Promise<void> {
    const mark = markOf(statSync(octets.path))
    if (this.#trusted.get(record.segment) === mark) return
    const isMeant =
      footer.incarnation === record.incarnation &&
      footer.root === record.root &&
      octets.size === record.bytes
    if (!isMeant) throw corrupt(octets.path, 'it is another segment, or of another log')
    if ((await digestOf(octets)) !== record.digest) {
      throw corrupt(octets.path, `its digest is not ${record.digest}, which the log has of it`)
    }
    this.#trusted.set(record.segment, mark)
  }

  /** Forgets what is open and what was trusted: the files are looked at anew. */
  close(): void {
    for (const { octets } of this.#open.values()) octets.close()
    this.#open.clear()
    this.#trusted.clear()
  }

  /** A new name to write a segment to. */
  draft(firstPosition: number): string {
    try {
      mkdirSync(this.path, { recursive: true })
    } catch (error) {
      throw systemFailure(error, this.path)
    }
    return this.pathOf(`segment-${firstPosition}.partial-${randomUUID()}`)
  }

  /** Gives a written segment its name, for good. A file of that name has the same content. */
  publish(draft: string, name: string): void {
    try {
      renameSync(draft, this.pathOf(name))
      syncFolder(this.path)
    } catch (error) {
      throw systemFailure(error, this.pathOf(name))
    }
  }

  /** Names of sealed segments, whether the log knows them or not. */
  sealed(): readonly string[] {
    return this.#names().filter((name) => SEALED.test(name))
  }

  /** Names of segments whose writing was broken off, or goes on in another process. */
  partial(): readonly string[] {
    return this.#names().filter((name) => PARTIAL.test(name))
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.path).sort()
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw systemFailure(error, this.path)
    }
  }

  /** Removes a file of the folder. */
  remove(name: string): void {
    try {
      rmSync(this.pathOf(name), { force: true })
    } catch (error) {
      throw systemFailure(error, this.pathOf(name))
    }
  }
}

function markOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

/** A name is durable when its folder is. Windows has no such thing and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
