/**
 * The tally of one file: a fold over its bytes that keeps a few kilobytes, whatever its size.
 *
 * It runs inside the effect that reads, and only what it comes to is recorded. A copy is kept of
 * the beginning of a file (for its first line and its licence tag), and of small files whose name
 * says that they are a licence or a manifest; those copies are gone when the fold ends.
 */

import { Buffer } from 'node:buffer'
import type { ByteFold } from '@ice/runs/ports'
import { BINARY, languageByName, languageByShebang, OTHER } from './language.ts'
import { isLicenceFile, licenceOf, spdxTag } from './licence.ts'
import {
  BINARY_LOOK_BYTES,
  HEAD_BYTES_MAX,
  LICENCE_BYTES_MAX,
  MANIFEST_BYTES_MAX,
} from './limits.ts'
import { manifestKind, readManifest, unreadableManifest } from './manifest.ts'
import { MarkCounter } from './marks.ts'
import type { ManifestKind, Tally } from './ports.ts'

/** A tally in progress. */
export interface TallyState {
  bytes: number
  lines: number
  isBinary: boolean
  readonly marks: MarkCounter
  readonly kept: Buffer[]
  keptBytes: number
}

const NEWLINE = 0x0a

/** The fold that tallies a file of this name. */
export function tallyFold(name: string): ByteFold<TallyState, Tally> {
  const manifest = manifestKind(name)
  const isLicence = isLicenceFile(name)
  const keepMax =
    manifest !== undefined ? MANIFEST_BYTES_MAX : isLicence ? LICENCE_BYTES_MAX : HEAD_BYTES_MAX
  return {
    start: () => ({
      bytes: 0,
      lines: 0,
      isBinary: false,
      marks: new MarkCounter(),
      kept: [],
      keptBytes: 0,
    }),
    step: (state, chunk) => step(state, chunk, keepMax),
    finish: (state) => finish(state, { name, manifest, isLicence }),
  }
}

function step(state: TallyState, chunk: Uint8Array, keepMax: number): TallyState {
  if (state.bytes < BINARY_LOOK_BYTES && !state.isBinary) {
    state.isBinary = chunk.subarray(0, BINARY_LOOK_BYTES - state.bytes).includes(0)
  }
  if (state.keptBytes < keepMax) {
    // A copy: the reader overwrites the chunk.
    const part = Buffer.from(chunk.subarray(0, keepMax - state.keptBytes))
    state.kept.push(part)
    state.keptBytes += part.length
  }
  state.lines += newlinesIn(chunk)
  if (!state.isBinary) state.marks.add(chunk)
  state.bytes += chunk.length
  return state
}

function newlinesIn(chunk: Uint8Array): number {
  let count = 0
  for (let at = 0; at < chunk.length; at += 1) if (chunk[at] === NEWLINE) count += 1
  return count
}

interface Named {
  readonly name: string
  readonly manifest: ManifestKind | undefined
  readonly isLicence: boolean
}

function finish(state: TallyState, { name, manifest, isLicence }: Named): Tally {
  const { bytes, lines, isBinary } = state
  if (isBinary) return { bytes, lines, language: BINARY }
  const marks = state.marks.finish()
  const kept = Buffer.concat(state.kept).toString('utf8')
  const head = kept.slice(0, HEAD_BYTES_MAX)
  const licence = isLicence ? licenceOf(kept) : spdxTag(head)
  return {
    bytes,
    lines,
    language: languageByName(name) ?? languageByShebang(head) ?? OTHER,
    ...(marks.todo + marks.fixme === 0 ? {} : { marks: { ...marks } }),
    ...(licence === undefined ? {} : { licence }),
    ...(manifest === undefined ? {} : { manifest: manifestOf(manifest, kept, state) }),
  }
}

function manifestOf(kind: ManifestKind, source: string, { bytes, keptBytes }: TallyState) {
  if (bytes <= keptBytes) return readManifest(kind, source)
  return unreadableManifest(kind, `it has ${bytes} bytes; ${MANIFEST_BYTES_MAX} are read`)
}
