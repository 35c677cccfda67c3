/**
 * The input of a run: as it is recorded, and as its program is given it.
 *
 *     started with   { "task": "sum up", "document": "…" }        hold: ["/document"]
 *     recorded       { "task": "sum up", "document": { "$ref": "$input/document", "value": "…" } }
 *                    and the document beside it, by its digest
 *     the program    { "task": "sum up", "document": <a reference> }
 *
 * The recorded input binds the contents by their digests, so that one key still stands for one
 * input.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { BlobDraft } from '@ice/events/ports'
import {
  type BlobDigest,
  beginsWith,
  canonicalize,
  findAt,
  type JsonValue,
  readLabels,
  readPointer,
} from '@ice/primitives'
import { put } from './contents.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { INPUT, type RunLabels } from './labels.ts'
import { HELD_INPUTS_MAX } from './limits.ts'
import type { Program, StartOptions } from './ports.ts'
import { References } from './references.ts'
import { asRecorded, type SealedValue, sealValue } from './value.ts'

type Created = StandardPayloads['RunCreated']

/** An input ready to be recorded. */
export interface SealedInput {
  readonly sealed: SealedValue
  readonly blobs: readonly BlobDraft[]
  /** What `RunCreated` says of it. */
  readonly labelled: Pick<Created, 'labels' | 'held'>
}

/** @throws `ICE_RUNS_INPUT_UNSUPPORTED`, with what is wrong as its cause */
export function sealInput(
  program: Program,
  input: unknown,
  { labels, hold = [] }: Pick<StartOptions, 'labels' | 'hold'>,
): SealedInput {
  try {
    if (labels !== undefined && readLabels(labels) === undefined) throw unsuited('labels')
    const parts = heldParts(input, hold)
    let recorded = hold.length === 0 ? input : asRecorded(input)
    for (const { path, sealed } of parts) {
      const marker = { $ref: INPUT + path, value: sealed.digest }
      recorded = put(recorded as JsonValue, readPointer(path) ?? [], marker)
    }
    // What is recorded is the input as it was given: a later version may parse it differently.
    const references = new References()
    program.input.parse(withReferences(recorded as JsonValue, parts.map(partOf), references))
    return {
      sealed: sealValue(recorded),
      blobs: parts.map(({ blob }) => blob),
      labelled: {
        ...(labels === undefined ? {} : { labels: asRecorded(labels) as Created['labels'] }),
        ...(parts.length === 0 ? {} : { held: parts.map(recordOf) }),
      },
    }
  } catch (cause) {
    const message = `${program.name} does not take this input`
    throw new RunsError(RUNS_CODES.inputInvalid, message, { program: program.name }, cause)
  }
}

interface HeldPart {
  readonly path: string
  readonly sealed: SealedValue
  readonly blob: BlobDraft
}

function heldParts(input: unknown, hold: readonly string[]): readonly HeldPart[] {
  const paths = hold.map((path) => readPointer(path) ?? [])
  const within = paths.some((a, i) => paths.some((b, j) => i !== j && beginsWith(a, b)))
  if (within || hold.length > HELD_INPUTS_MAX) throw unsuited('hold')
  return hold.map((path, i) => {
    const found = findAt(input, paths[i] ?? [])
    if (path.length > PATH_CHARACTERS_MAX || paths[i]?.length === 0 || found.kind !== 'value') {
      throw unsuited('hold')
    }
    const sealed = sealValue(found.value)
    const bytes = Buffer.from(canonicalize(found.value))
    return { path, sealed, blob: { digest: sealed.digest as unknown as BlobDigest, bytes } }
  })
}

/** Characters of the pointer of a held part: with `$input` before it, it is the name of a step. */
const PATH_CHARACTERS_MAX = 480

function unsuited(what: 'labels' | 'hold'): RunsError {
  const message =
    what === 'labels'
      ? 'The labels of an input are labels by JSON pointer, at most 64'
      : `What is held of an input are at most ${HELD_INPUTS_MAX} JSON pointers to parts that are ` +
        'there, none within another'
  return new RunsError(RUNS_CODES.inputInvalid, message, { what })
}

function recordOf({ path, blob }: HeldPart): NonNullable<Created['held']>[number] {
  return { path, blob: { $blob: blob.digest, size: blob.bytes.byteLength } }
}

/** A held part as references are issued for it. */
interface Part {
  readonly path: string
  readonly digest: SealedValue['digest']
}

function partOf({ path, sealed }: HeldPart): Part {
  return { path, digest: sealed.digest }
}

/** The input as a program is given it: references stand in the places of held parts. */
export function openedInput(
  recorded: JsonValue,
  labels: RunLabels,
  references: References,
): JsonValue {
  const parts = [...labels.held].flatMap(([id, { digest }]) =>
    id.startsWith(`${INPUT}/`) ? [{ path: id.slice(INPUT.length), digest }] : [],
  )
  return withReferences(recorded, parts, references)
}

function withReferences(
  recorded: JsonValue,
  parts: readonly Part[],
  references: References,
): JsonValue {
  return parts.reduce<JsonValue>(
    (whole, { path, digest }) =>
      put(whole, readPointer(path) ?? [], references.issue(INPUT + path, digest)),
    recorded,
  )
}
