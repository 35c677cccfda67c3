/**
 * The labels of a run, folded from its events: what its program was given, and what it holds
 * references to.
 *
 * The program is ordinary TypeScript: nobody can see which of the values it was given went into an
 * argument. So whatever it hands on has the join of all it was given by then, the *high-water
 * mark*. What it only holds a reference to does not count until it is revealed.
 *
 * 1. The mark is a function of the events up to a version, so it is the same on every replay. A
 *    step asked for at a version is labelled by what was given up to there, however long it waits.
 * 2. Each value keeps a label of its own, so that endorsing it takes back what it alone brought
 *    in. Past `GIVEN_VALUES_MAX` the oldest are joined into one label, which nobody can endorse.
 * 3. An endorsement is of one value: the step and the digest of what the step gave.
 *
 * The trap: an error speaks with the voice of whoever caused it. What a failed effect says is given
 * to the program like a result, and has a label like one.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import {
  beginsWith,
  declassifyLabel,
  endorseLabel,
  type Hash,
  joinLabels,
  type Label,
  labelAt,
  type PathLabel,
  readLabel,
  readLabels,
  readPointer,
  TRUSTED_LABEL,
  UNKNOWN_LABEL,
} from '@ice/primitives'
import { GIVEN_VALUES_MAX } from './limits.ts'
import { digestOfRef, sealValue } from './value.ts'

/** The step that stands for the input of a run; held parts of it are this and their pointer. */
export const INPUT = '$input'

/** What a program was given, as far as it is not trusted and for everyone. */
export interface Given {
  /** The version of the run from which on it was known to the program. */
  readonly version: number
  /** Whose value it is: the step, or what a revealed reference stands for. */
  readonly of: string
  readonly digest: Hash
  readonly label: Label
}

/** What a program holds a reference to. */
export interface Held {
  readonly value: ValueRef
  readonly digest: Hash
  readonly label: Label
}

/** The labels of one run. */
export interface RunLabels {
  /** Of what was given and is no longer told apart. */
  base: Label
  /** Of all that was given: the high-water mark. */
  mark: Label
  /** The version of what was given last. */
  latest: number
  /** By step, in the order in which they were given. */
  readonly given: Map<string, Given>
  /** By what references say. */
  readonly held: Map<string, Held>
}

/** Of a run that was given nothing. */
export function noLabels(): RunLabels {
  return {
    base: TRUSTED_LABEL,
    mark: TRUSTED_LABEL,
    latest: 0,
    given: new Map(),
    held: new Map(),
  }
}

/** The high-water mark as it was once everything up to a version had been given. */
export function markAt(labels: RunLabels, version: number): Label {
  if (version >= labels.latest) return labels.mark
  const before = [...labels.given.values()].filter((given) => given.version <= version)
  return joinLabels(labels.base, ...before.map(({ label }) => label))
}

/** A label as an event holds it; none, or none that is one, is that of an unknown source. */
function recorded(label: unknown): Label {
  return readLabel(label) ?? UNKNOWN_LABEL
}

function give(labels: RunLabels, step: string, given: Given): void {
  const { label, version } = given
  if (label.sources.length === 0 && label.readers === null) return
  labels.given.set(step, given)
  labels.mark = joinLabels(labels.mark, label)
  labels.latest = version
  if (labels.given.size <= GIVEN_VALUES_MAX) return
  const [oldest] = labels.given
  if (oldest === undefined) return
  labels.base = joinLabels(labels.base, oldest[1].label)
  labels.given.delete(oldest[0])
}

/** The input: each held part has its own label, the rest has one together. */
export function giveInput(
  labels: RunLabels,
  { input, labels: marked, held = [] }: StandardPayloads['RunCreated'],
): void {
  const known: readonly PathLabel[] | undefined =
    marked === undefined ? [{ path: [], label: TRUSTED_LABEL }] : readLabels(marked)
  const paths = held.map(({ path }) => readPointer(path) ?? [])
  for (const [i, { path, blob }] of held.entries()) {
    const label = known === undefined ? UNKNOWN_LABEL : labelAt(known, paths[i] ?? [])
    const digest = blob.$blob as Hash
    labels.held.set(INPUT + path, { value: { blob } as ValueRef, digest, label })
  }
  const shown = known?.filter(({ path }) => !paths.some((part) => beginsWith(path, part)))
  const label = shown === undefined ? UNKNOWN_LABEL : labelAt(shown, [])
  give(labels, INPUT, { version: 1, of: INPUT, digest: digestOfRef(input as ValueRef), label })
}

/** An outcome: given to the program, or held for it. */
export function giveOutcome(
  labels: RunLabels,
  event: RecordedEvent<string, StandardPayloads['EffectSucceeded']>,
  held: boolean,
): void {
  const { effect: step, result } = event.data
  const value = result as ValueRef
  const label = recorded(event.data.label)
  const digest = digestOfRef(value)
  if (held) labels.held.set(step, { value, digest, label })
  else give(labels, step, { version: event.version, of: step, digest, label })
}

/** What a handler said instead of an outcome. */
export function giveFailure(
  labels: RunLabels,
  { version }: RecordedEvent,
  failure: { readonly effect: string; readonly label?: unknown },
  said: unknown,
): void {
  const { effect: step, label } = failure
  give(labels, step, { version, of: step, digest: sealValue(said).digest, label: recorded(label) })
}

/** What a reference stood for, once it was revealed. */
export function giveRevealed(
  labels: RunLabels,
  { version, data }: RecordedEvent<string, StandardPayloads['ValueRevealed']>,
): void {
  const { step, reference, value } = data
  const label = labels.held.get(reference)?.label ?? UNKNOWN_LABEL
  give(labels, step, { version, of: reference, digest: value as Hash, label })
}

/** What somebody sent, once a step was given it. */
export function giveReceived(
  labels: RunLabels,
  { version, data }: RecordedEvent<string, StandardPayloads['SignalConsumed']>,
): void {
  const { step, digest, label } = data
  const own = label === undefined ? TRUSTED_LABEL : recorded(label)
  give(labels, step, { version, of: step, digest: digest as Hash, label: own })
}

/** What a child came to. */
export function giveEnd(
  labels: RunLabels,
  { version, data }: RecordedEvent<string, StandardPayloads['ChildConcluded']>,
): void {
  const { step, result, reason = null, label } = data
  const digest = result === undefined ? sealValue(reason).digest : digestOfRef(result as ValueRef)
  give(labels, step, { version, of: step, digest, label: recorded(label) })
}

/** A person vouches for a value. One that nobody answers for changes nothing. */
export function endorse(
  labels: RunLabels,
  { principal, data }: RecordedEvent<string, StandardPayloads['ValueEndorsed']>,
): void {
  if (principal === undefined) return
  widen(labels, data, (label) => endorseLabel(label, data.sources))
}

/** A person lets more people read a value. One that nobody answers for changes nothing. */
export function declassify(
  labels: RunLabels,
  { principal, data }: RecordedEvent<string, StandardPayloads['ValueDeclassified']>,
): void {
  if (principal === undefined) return
  widen(labels, data, (label) => declassifyLabel(label, data.readers))
}

function widen(
  labels: RunLabels,
  { step, value }: { readonly step: string; readonly value: string },
  change: (label: Label) => Label,
): void {
  const held = labels.held.get(step)
  if (held?.digest === value) labels.held.set(step, { ...held, label: change(held.label) })
  for (const [id, given] of labels.given) {
    if (given.of !== step || given.digest !== value) continue
    labels.given.set(id, { ...given, label: change(given.label) })
  }
  labels.mark = joinLabels(labels.base, ...[...labels.given.values()].map(({ label }) => label))
}

/** One value of a run whose label somebody may widen. */
export interface LabelledValue {
  /** The step, or `$input` and a JSON pointer. */
  readonly step: string
  readonly digest: Hash
  readonly label: Label
  /** The program has only a reference to it. */
  readonly held: boolean
}

/** The values that are told apart, held ones last. A revealed one is told of once. */
export function labelledValues(labels: RunLabels): readonly LabelledValue[] {
  const found = new Map<string, LabelledValue>()
  for (const { of: step, digest, label } of labels.given.values()) {
    found.set(step, { step, digest, label, held: false })
  }
  for (const [step, { digest, label }] of labels.held) {
    if (!found.has(step)) found.set(step, { step, digest, label, held: true })
  }
  return [...found.values()]
}
