/**
 * Verification of a log from its stored bytes alone.
 *
 * What is checked: the bytes hash to what was recorded, positions have no gap, versions have no
 * gap in their stream, the bytes are the canonical form of what they say, and the adapter's own
 * findings (index against bytes, blobs). What comes out beside the findings is the RFC 9162 root
 * of the log at its size: two logs with the same size and root hold the same events, and a root
 * noted earlier shows later whether anything before it was changed or cut off.
 *
 * What this cannot see alone: a log cut off at its end whose earlier root nobody noted.
 */

import {
  canonicalize,
  type Hash,
  leafHash,
  nodeHash,
  parseStrict,
  sha256Hex,
  type StreamId,
} from '@ice/primitives'
import { EVENTS_CODES } from './errors.ts'
import { EVENT_DEPTH_MAX } from './limits.ts'
import type { CheckOptions, EventStore, IntegrityFinding, StoredEvent } from './ports.ts'

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
  readonly #versions = new Map<StreamId, number>()
  readonly #findings: IntegrityFinding[] = []
  readonly #noted: Map<number, Hash>
  readonly #findingsMax: number
  #bytes = 0
  position = 0

  constructor({ noted = [], findingsMax = 100 }: VerifyOptions) {
    this.#noted = new Map(noted.map(({ size, root }) => [size, root]))
    this.#findingsMax = findingsMax
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
    const leaf = leafHash(stored.bytes)
    if (leaf !== stored.hash) {
      this.#wrong(stored.position, `its bytes hash to ${leaf}, but ${stored.hash} was recorded`)
    } else {
      this.#stepContent(stored)
    }
    this.#range.append(leaf)
    const noted = this.#noted.get(this.position)
    if (noted !== undefined && noted !== this.#range.root()) {
      this.#wrong(this.position, `the root up to here is ${this.#range.root()}, not ${noted}`)
    }
  }

  #stepContent({ position, bytes }: StoredEvent): void {
    let event: { stream?: unknown; version?: unknown }
    try {
      event = parseStrict(bytes, { depthMax: EVENT_DEPTH_MAX }) as typeof event
      if (canonicalize(event) !== bytes) throw new TypeError('not canonical')
    } catch (error) {
      this.#wrong(position, `its bytes are not canonical JSON: ${String(error)}`)
      return
    }
    const stream = event.stream as StreamId
    const expected = (this.#versions.get(stream) ?? 0) + 1
    if (event.version !== expected) {
      this.#wrong(position, `it is version ${String(event.version)} of ${stream}, not ${expected}`)
    }
    this.#versions.set(stream, expected)
  }

  #wrong(position: number, why: string): void {
    this.report({ code: EVENTS_CODES.corrupt, position, message: `event ${position}: ${why}` })
  }

  finish(): Verification {
    for (const size of this.#noted.keys()) {
      if (size > this.position) {
        this.#wrong(this.position, `the log ends here, though ${size} events were noted`)
      }
    }
    return {
      events: this.position,
      streams: this.#versions.size,
      bytes: this.#bytes,
      root: this.#range.root(),
      findings: this.#findings,
    }
  }
}

/** A Merkle tree that is only ever appended to, in log2(n) hashes of memory. */
export interface CompactRange {
  append(leaf: Hash): void
  /** The tree hash of the leaves so far; of no leaves, the hash of nothing (RFC 9162 §2.1.1). */
  root(): Hash
}

/** Creates an empty compact range. */
export function compactRange(): CompactRange {
  // peaks[i] is the root of a full subtree of 2^i leaves, or absent: the bits of the size.
  const peaks: (Hash | undefined)[] = []
  return {
    append(leaf) {
      let carry = leaf
      for (let level = 0; ; level += 1) {
        const peak = peaks[level]
        if (peak === undefined) {
          peaks[level] = carry
          return
        }
        carry = nodeHash(peak, carry)
        peaks[level] = undefined
      }
    },
    root() {
      let root: Hash | undefined
      for (const peak of peaks) {
        if (peak !== undefined) root = root === undefined ? peak : nodeHash(peak, root)
      }
      return root ?? sha256Hex('')
    },
  }
}
