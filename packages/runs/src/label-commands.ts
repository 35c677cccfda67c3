/**
 * What only a person does to labels: to vouch for a value, and to let more people read it.
 *
 * Both are recorded as that person's, with a reason, and of one value: the step that gave it and
 * its digest. Nothing that a program is given leads here.
 */

import { isTrusted, mayRead, type PrincipalId, type RunId, readLabel } from '@ice/primitives'
import { command, foldRun } from './commands.ts'
import type { Components } from './components.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { type LabelledValue, labelledValues } from './labels.ts'
import type { RunFold } from './lifecycle.ts'
import { PROSE_CHARACTERS_MAX } from './limits.ts'
import type { DeclassifyCommand, EndorseCommand, ValueOfRun } from './ports.ts'

/** The values of a run that keep a label of their own. */
export async function valuesOfRun(
  components: Components,
  run: RunId,
): Promise<readonly ValueOfRun[]> {
  return labelledValues((await foldRun(components, run)).labels)
}

/** Records that a person vouches for a value. */
export async function endorseValue(
  components: Components,
  run: RunId,
  { step, sources, reason, principal, digest }: EndorseCommand,
): Promise<void> {
  const named = readLabel({ sources, readers: null })
  if (named === undefined || isTrusted(named)) throw conflict(run, step, 'Name a source')
  return widen(components, run, { step, digest, principal, reason }, (value) => {
    const known = named.sources.filter((source) => value.label.sources.includes(source))
    if (known.length === named.sources.length) {
      const data = { step, value: value.digest, sources: known, reason }
      return { type: 'ValueEndorsed', data }
    }
    const other = named.sources.filter((source) => !known.includes(source))
    const from = value.label.sources.join(', ') || 'nobody who is mistrusted'
    throw conflict(run, step, `It does not come from ${other.join(', ')}, but from ${from}`)
  })
}

/** Records that a person lets more people read a value. */
export async function declassifyValue(
  components: Components,
  run: RunId,
  { step, readers, reason, principal, digest }: DeclassifyCommand,
): Promise<void> {
  const named = readers === null ? null : readLabel({ sources: [], readers })
  if (named === undefined || named?.readers?.length === 0) {
    throw conflict(run, step, 'Name a reader, or everyone')
  }
  return widen(components, run, { step, digest, principal, reason }, ({ label, ...value }) => {
    const more = named?.readers ?? null
    const isOpen = more === null ? label.readers === null : more.every((one) => mayRead(label, one))
    if (isOpen) throw conflict(run, step, 'They may all read it already')
    const all = [...new Set([...(label.readers ?? []), ...(more ?? [])])]
    if (more !== null && readLabel({ sources: [], readers: all })?.readers?.length !== all.length) {
      throw conflict(run, step, 'A label does not hold so many readers: let everyone read it')
    }
    const data = { step, value: value.digest, readers: more === null ? null : [...more], reason }
    return { type: 'ValueDeclassified', data }
  })
}

interface Widening {
  readonly step: string
  readonly digest: string | undefined
  readonly principal: PrincipalId | undefined
  readonly reason: string
}

function widen(
  components: Components,
  run: RunId,
  { step, digest, principal, reason }: Widening,
  event: (value: LabelledValue) => { readonly type: string; readonly data: unknown },
): Promise<void> {
  if (reason.length === 0 || reason.length > PROSE_CHARACTERS_MAX) {
    throw conflict(run, step, `A reason has 1 to ${PROSE_CHARACTERS_MAX} characters`)
  }
  return command(components, { run, principal: principal, until: 'conclusion' }, (fold) => {
    const value = chosenValue(fold, run, step)
    if (digest !== undefined && digest !== value.digest) {
      const message = `"${step}" gave another value than the one that was shown`
      throw new RunsError(RUNS_CODES.stepConflict, message, { run, step, digest: value.digest })
    }
    return { events: [event(value)] }
  })
}

function chosenValue({ labels }: RunFold, run: RunId, step: string): LabelledValue {
  const all = labelledValues(labels)
  const value = all.find((each) => each.step === step)
  if (value !== undefined) return value
  const known = all.slice(0, 16).map((each) => `"${each.step}"`)
  const message =
    `No value of "${step}" has a label that could be widened; there are: ` +
    `${known.join(', ') || 'none'}`
  throw new RunsError(RUNS_CODES.stepNotFound, message, { run, step })
}

function conflict(run: RunId, step: string, message: string): RunsError {
  return new RunsError(RUNS_CODES.labelConflict, message, { run, step })
}
