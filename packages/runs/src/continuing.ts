/**
 * Going on as another run: for work without an end, whose history would be one.
 *
 *     first ── RunCommitted { continuedAs } ─┐ one append
 *     next  ── RunCreated { continues } ─────┘
 *
 * 1. The end of the one and the beginning of the other are one append: never neither, never both
 *    at work.
 * 2. A successor has the grants of its predecessor, as they are: authority takes the run at the
 *    beginning of the line for the holder. Nothing is issued anew, so nothing is gained by it.
 * 3. The line has one inbox. What no step has taken is still there.
 * 4. What a program hands to its successor has the label of all that it was given.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { BlobDraft, StreamWrite } from '@ice/events/ports'
import { invariant, TRUSTED_LABEL } from '@ice/primitives'
import type { Components } from './components.ts'
import { teardownFacts } from './conclude.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import { sealInput } from './input.ts'
import { runStream } from './journal.ts'
import type { RunFold } from './lifecycle.ts'
import type { Program } from './ports.ts'
import { sealValue } from './value.ts'

/** The end of a run that another goes on for, and the beginning of that one. */
export interface Continuation {
  readonly facts: readonly Fact[]
  readonly write: StreamWrite
  readonly blobs: readonly BlobDraft[]
}

/** @throws `ICE_RUNS_INPUT_UNSUPPORTED`, `ICE_RUNS_VALUE_…` */
export function continuation(
  { ids, ownership }: Components,
  fold: RunFold,
  program: Program,
  input: unknown,
): Continuation {
  const { view } = fold
  invariant(view !== null, 'a run that goes on has a view')
  if (fold.owed.staged.size > 0) {
    const message = 'A run that goes on as another has staged nothing: it ends in the same append'
    throw new RunsError(RUNS_CODES.stagedUnsupported, message)
  }
  const { mark } = fold.labels
  const isTrusted = mark.sources.length === 0 && mark.readers === null
  const held = sealInput(program, input, { labels: { '': isTrusted ? TRUSTED_LABEL : mark } })
  const next = ids.nextRunId()
  const { agent, session, principal, parent, tags } = view
  const taken = Object.fromEntries(fold.signals.taken)
  const data: StandardPayloads['RunCreated'] = {
    run: next,
    program: { name: program.name, version: program.version },
    input: held.sealed.ref as StandardPayloads['RunCreated']['input'],
    owner: ownership.self,
    epoch: 1,
    grants: [...fold.grants].map(([name, grant]) => ({ name, grant })),
    tags: { ...tags },
    ...(agent === null ? {} : { agent }),
    ...(session === null ? {} : { session }),
    ...(fold.standing.length === 0 ? {} : { standing: [...fold.standing] }),
    ...(parent === null ? {} : { parent }),
    ...fold.placement,
    continues: { run: view.run, first: view.line, taken },
    ...(isTrusted ? {} : held.labelled),
  }
  const none = sealValue(null)
  const { digest: resultDigest } = none
  const facts: Fact[] = [
    { type: 'ValidationStarted', data: { result: none.ref as never, resultDigest } },
    { type: 'ValidationPassed', data: { checks: [] } },
    { type: 'RunCommitted', data: { resultDigest, continuedAs: next } },
    ...teardownFacts(fold, 'committed'),
  ]
  const by = principal === null ? {} : { principal }
  const events = [{ type: 'RunCreated', data, ...by }]
  return {
    facts,
    write: { stream: runStream(next), expectedVersion: 'no_stream', events },
    blobs: [...(held.sealed.blob === null ? [] : [held.sealed.blob]), ...held.blobs],
  }
}
