/// <reference lib="es2024.string" />
/**
 * Verification of a log from its stored bytes alone.
 *
 * What is checked of each event: its bytes hash to what was recorded; its position has no gap
 * before it; the bytes are the canonical form of an event; its version has no gap before it in its
 * stream, its time lies not before the event ahead of it there, and its causes stand before it.
 * Then the adapter's own findings (index against bytes, blobs). What comes out beside the findings
 * is the RFC 9162 root of the log at its size: two logs with the same size and root hold the same
 * events, and a root noted earlier shows later whether anything before it was changed or cut off.
 *
 * What this cannot see alone: a forger who rewrites bytes, hashes and positions so that they agree
 * with each other (ends cut off, streams left out, neighbours of two streams exchanged). Against
 * him stand the noted roots, and only up to the size of the last one.
 */

import {
  canonicalize,
  type EventId,
  errorRecord,
  type Hash,
  isEventId,
  isStreamId,
  isStreamVersion,
  isTimestamp,
  leafHash,
  parseEventId,
  parseStrict,
  type StreamId,
  UNCODED,
} from '@ice/primitives'
import { compactRange } from './compact-range.ts'
import { EVENTS_CODES } from './errors.ts'
import { EVENT_BYTES_MAX, EVENT_DEPTH_MAX } from './limits.ts'
import type {
  CheckOptions,
  EventStore,
  IntegrityFinding,
  StoredEvent,
  StreamHead,
} from './ports.ts'

/** A size and root noted at an earlier time. */
export interface NotedRoot {
  readonly size: number
  readonly root: Hash
}

/** Settings of a verification. */
export interface VerifyOptions extends CheckOptions {
  /** Roots the log must still have at their sizes. */
  readonly noted?: readonly NotedRoot[]
  /** Stop after this many findings. @defaultValue 100 */
  readonly findingsMax?: number
}

/** The result of a verification: `findings` is empty when nothing is wrong. */
export interface Verification {
  readonly events: number
  readonly streams: number
  readonly bytes: number
  /** RFC 9162 §2.1.1 Merkle tree hash over all leaves, in position order. */
  readonly root: Hash
  readonly findings: readonly IntegrityFinding[]
}

/** Verifies every stored event. Reads; writes nothing. */
export async function verifyLog(
  store: Pick<EventStore, 'readAll' | 'check'>,
  options: VerifyOptions = {},
): Promise<Verification> {
  const walk = new Walk(options)
  const query = options.signal === undefined ? {} : { signal: options.signal }
  for await (const batch of store.readAll(query)) {
    for (const stored of batch) walk.step(stored)
    options.onProgress?.(walk.position)
    if (walk.full) break
  }
  for await (const finding of store.check(query)) {
    walk.report(finding)
    if (walk.full) break
  }
  return walk.finish()
}

/** The state of one walk over the log. */
class Walk {
  readonly #range = compactRange()
  readonly #heads = new Map<StreamId, StreamHead>()
  readonly #findings: IntegrityFinding[] = []
  readonly #noted: readonly NotedRoot[]
  readonly #findingsMax: number
  #bytes = 0
  #size = 0
  position = 0

  constructor({ noted = [], findingsMax = 100 }: VerifyOptions) {
    this.#noted = noted
    this.#findingsMax = findingsMax
    this.#checkNoted()
  }

  get full(): boolean {
    return this.#findings.length >= this.#findingsMax
  }

  /** Adds a finding; the same fact seen by the walk and by the adapter is one finding. */
  report(finding: IntegrityFinding): void {
    const twin = this.#findings.some(
      (known) => known.position === finding.position && known.code === finding.code,
    )
    if (!twin && !this.full) this.#findings.push(finding)
  }

  step(stored: StoredEvent): void {
    if (stored.position !== this.position + 1) {
      this.#wrong(stored.position, `position ${this.position + 1} is missing before it`)
    }
    this.position = stored.position
    this.#bytes += Buffer.byteLength(stored.bytes)
    // Text with a lone surrogate has no bytes to hash: it gets a leaf that cannot be the right one.
    const leaf = leafHash(stored.bytes.toWellFormed())
    if (leaf !== stored.hash) {
      this.#wrong(stored.position, `its bytes hash to ${leaf}, but ${stored.hash} was recorded`)
    } else {
      this.#stepContent(stored)
    }
    this.#range.append(leaf)
    this.#size += 1
    this.#checkNoted()
  }

  #checkNoted(): void {
    for (const { size, root } of this.#noted) {
      if (size !== this.#size || root === this.#range.root()) continue
      this.#wrong(this.position, `the root up to here is ${this.#range.root()}, not ${root}`)
    }
  }

  #stepContent({ position, bytes }: StoredEvent): void {
    const event = readEnvelope(bytes)
    if (typeof event === 'string') {
      this.#wrong(position, `its bytes are not an event in canonical form: ${event}`)
      return
    }
    const { stream, version, time, causes } = event
    const head = this.#heads.get(stream) ?? { version: 0, time: 0 }
    if (version !== head.version + 1) {
      this.#wrong(position, `it is version ${version} of ${stream}, not ${head.version + 1}`)
    } else if (time < head.time) {
      this.#wrong(position, `its time ${time} lies before ${head.time}, the one ahead of it`)
    }
    const unknown = causes.find((cause) => {
      const at = parseEventId(cause)
      return at.version > (this.#heads.get(at.stream)?.version ?? 0)
    })
    if (unknown !== undefined) this.#wrong(position, `its cause ${unknown} stands not before it`)
    this.#heads.set(stream, { version: head.version + 1, time })
  }

  #wrong(position: number, why: string): void {
    this.report({ code: EVENTS_CODES.corrupt, position, message: `event ${position}: ${why}` })
  }

  finish(): Verification {
    for (const { size } of this.#noted) {
      if (size > this.#size) {
        this.#wrong(this.position, `the log ends here, though ${size} events were noted`)
      }
    }
    return {
      events: this.#size,
      streams: this.#heads.size,
      bytes: this.#bytes,
      root: this.#range.root(),
      findings: this.#findings.toSorted((a, b) => a.position - b.position),
    }
  }
}

/** What verification reads of an event. */
interface Envelope {
  readonly stream: StreamId
  readonly version: number
  readonly time: number
  readonly causes: readonly EventId[]
}

/** The envelope, or what is wrong with it. */
function readEnvelope(bytes: string): Envelope | string {
  let event: Partial<Record<string, unknown>> | null
  try {
    event = parseStrict(bytes, PARSE_LIMITS) as typeof event
    if (typeof event !== 'object' || event === null) return 'it is no object'
    if (canonicalize(event) !== bytes) return 'its bytes would be written otherwise'
  } catch (error) {
    const { code, message } = errorRecord(error)
    if (code === UNCODED) throw error
    return message
  }
  const { v, stream, version, time, causes } = event
  if (v !== 1) return 'its format is not 1'
  if (!isStreamId(stream) || !isStreamVersion(version)) return 'it names no place'
  if (!isTimestamp(time)) return 'it has no time'
  if (!Array.isArray(causes) || !causes.every(isEventId)) return 'it has no list of causes'
  return { stream, version, time, causes }
}

const PARSE_LIMITS = { depthMax: EVENT_DEPTH_MAX, bytesMax: EVENT_BYTES_MAX }
