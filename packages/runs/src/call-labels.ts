/**
 * The labels of a call and of what comes of it.
 *
 * Arguments have the high-water mark as it was when they were handed over; a reference in them has
 * the label of what it stands for, at its own pointer. A result has the label that its handler
 * reports, or else that of the arguments joined with the source that the handler names.
 */

import {
  canonicalize,
  type JsonObject,
  joinLabels,
  type Label,
  readLabel,
  readPointer,
  sourceLabel,
  TRUSTED_LABEL,
  UNKNOWN_LABEL,
  writePointer,
} from '@ice/primitives'
import { type Held, markAt, type RunLabels } from './labels.ts'
import { LABELS_BYTES_MAX } from './limits.ts'
import type { EffectHandler, EffectReport } from './ports.ts'
import type { BoundReference } from './references.ts'

/** Labels by JSON pointer; `''` is the whole. */
export type CallLabels = Readonly<Record<string, Label>>

/** The most labelled pointers a request may have, the whole among them. */
const PARTS_MAX = 63

/** The labels of arguments that were handed over at this version of the run. */
export function callLabels(
  labels: RunLabels,
  askedAt: number,
  references: readonly BoundReference[],
): CallLabels {
  const mark = markAt(labels, askedAt)
  const parts = references.map(({ path, id }) => {
    return [writePointer(path), labels.held.get(id)?.label ?? UNKNOWN_LABEL] as const
  })
  const all: CallLabels = Object.fromEntries([
    ['', mark],
    // A reference that is all of the arguments was still chosen by a program with that mark.
    ...parts.map(([at, label]) => [at, at === '' ? joinLabels(mark, label) : label] as const),
  ])
  const fits =
    parts.length <= PARTS_MAX &&
    parts.every(([pointer]) => readPointer(pointer) !== undefined) &&
    canonicalize(all).length <= LABELS_BYTES_MAX
  return fits ? all : { '': joinLabels(...Object.values(all)) }
}

/** What the whole of labelled arguments comes to. */
export function wholeLabel(labels: unknown): Label {
  if (typeof labels !== 'object' || labels === null) return UNKNOWN_LABEL
  return joinLabels(...Object.values(labels).map((label) => readLabel(label) ?? UNKNOWN_LABEL))
}

/** What a handler's end is labelled by. */
export interface Ended {
  readonly handler: EffectHandler
  readonly args: JsonObject
  /** Of a batch those of its calls. */
  readonly items?: readonly { readonly args: JsonObject }[]
  /** As the intent has them. */
  readonly labels: unknown
}

/** The label of a result: what the handler reports of it, or what follows from the call. */
export function resultLabel(ended: Ended, report: EffectReport): Label {
  const { label, sources } = report
  if (label !== undefined) return readLabel(label) ?? UNKNOWN_LABEL
  if (sources === undefined) return endLabel(ended)
  const found = readLabel({ sources, readers: null }) ?? UNKNOWN_LABEL
  return joinLabels(wholeLabel(ended.labels), found)
}

/** The label of what a call led to: of its arguments, and of the source it reached out to. */
export function endLabel({ handler, args, items = [{ args }], labels }: Ended): Label {
  const sources = items.map((item) => handlerSource(handler, item.args))
  return joinLabels(wholeLabel(labels), ...sources)
}

function handlerSource(handler: EffectHandler, args: JsonObject): Label {
  if (handler.source === undefined) return sourceLabel(handler.action)
  try {
    const source: unknown = handler.source(args)
    if (source === null) return TRUSTED_LABEL
    return typeof source === 'string' ? sourceLabel(source) : UNKNOWN_LABEL
  } catch {
    // A source that cannot be told is one that is not known.
    return UNKNOWN_LABEL
  }
}

/** The held values that references stand for; `null` when one of them is not there any more. */
export function heldBy(
  labels: RunLabels,
  references: readonly BoundReference[],
): readonly Held[] | null {
  const found: Held[] = []
  for (const { id, digest } of references) {
    const held = labels.held.get(id)
    if (held === undefined || held.digest !== digest) return null
    found.push(held)
  }
  return found
}
