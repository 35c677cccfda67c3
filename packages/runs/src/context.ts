/**
 * What a program is given: each call asks its execution for one step.
 *
 * Everything is checked here as far as it needs nobody else, before it becomes a step: so a fault
 * of the program is thrown where it was made, and nothing is recorded of it.
 */

import type { Denial } from '@ice/capabilities/ports'
import {
  agentId,
  type ErrorRecord,
  invariant,
  type JsonValue,
  seededRandom,
  uuidv7,
} from '@ice/primitives'
import { createBranches } from './branches.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import { checkItems } from './items.ts'
import { PROSE_CHARACTERS_MAX } from './limits.ts'
import type {
  BatchItem,
  BatchRequest,
  EffectOutcome,
  EffectRequest,
  Program,
  Proposal,
  Question,
  Reference,
  RunContext,
} from './ports.ts'
import { type Bound, strayReference } from './references.ts'
import { compensationOf } from './reserved.ts'
import { termsOf } from './retry.ts'
import { createSpawning } from './spawning.ts'
import { createStaging } from './staging.ts'
import type { Ask, AskedRequest, EffectAsk } from './steps.ts'
import { createWaits } from './waiting.ts'

/** A context whose ids lie within `prefix`. */
export function createContext(execution: Execution, program: Program, prefix: string): RunContext {
  const { references } = execution
  const full = (id: unknown): string => prefix + checkName(id)
  const seeded = lazily(() => seededRandom(`${execution.run}/${prefix}`))
  const asking = async <R>(
    id: string,
    asked: AskedRequest,
    how: Pick<EffectAsk, 'batch' | 'hold'>,
  ): Promise<EffectOutcome<R>> => {
    const bound = references.bind(asked.arguments)
    const request = { ...asked, arguments: bound.value, ...compensationOf(asked) }
    const terms = termsOf(request, program.retry)
    const { proposal: named } = request
    const proposal = named === undefined ? undefined : execution.proposed(full(named))
    const ask: Ask = { kind: 'effect', request, bound, terms, ...how, proposal }
    return execution.ask(full(id), ask, askedOf(request, how.batch), (given) => {
      invariant(given.kind === 'outcome', 'an effect is settled by its outcome')
      return given.outcome as EffectOutcome<R>
    })
  }
  const effect = <R>(id: string, request: EffectRequest<R>, hold: boolean) =>
    asking<R>(id, request as AskedRequest, { hold, batch: false })
  const context: RunContext = {
    run: execution.run,
    get now() {
      return execution.now
    },
    get random() {
      return seeded()
    },
    uuid: () => uuidv7(execution.now, seeded()),
    attempt: (id, request) => effect(id, request, false),
    effect: async (id, request) => unwrap(id, await effect(id, request, false)),
    hold: async <R>(id: string, request: EffectRequest<R>) =>
      unwrap(id, await effect(id, request, true)) as Reference<R>,
    batch: async <R>(id: string, { items, ...request }: BatchRequest<R>) => {
      const asked = { ...request, arguments: checkItems(items, request) }
      const how = { hold: false, batch: true }
      return unwrap(id, await asking<readonly BatchItem<R>[]>(id, asked as AskedRequest, how))
    },
    part: <R>(reference: Reference<unknown>, pointer: string) =>
      references.part(reference, pointer) as Reference<R>,
    reveal: async <R>(id: string, reference: Reference<R>) =>
      (await reveal(execution, full(id), reference)) as R,
    propose: async (id, proposal) => propose(execution, full(id), proposal),
    approval: async (id, question) => {
      checkProse(question.prompt)
      const bound = boundOf(execution, question.details ?? null)
      const shown = { ...question, details: bound.value }
      const ask: Ask = { kind: 'question', question: shown, bound }
      return execution.ask(full(id), ask, askedOfPerson(shown), (given) => {
        invariant(given.kind === 'answer', 'a question is settled by its answer')
        return given.answer
      })
    },
    ...createStaging(execution, program, full),
    patched: async (id) => {
      if (!execution.goesPatched(full(id))) return false
      return execution.ask(full(id), { kind: 'patch' }, { patch: id }, () => true)
    },
    ...createWaits(execution, program, full),
    ...createSpawning(execution, full, (id, request) => context.effect(id, request)),
    ...createBranches(execution, full, (name) => context.scope(name)),
    scope: (name) => createContext(execution, program, `${full(name)}/`),
  }
  return context
}

function boundOf({ references }: Execution, given: unknown): Bound {
  const bound = references.bind(given)
  if (bound.stray !== null) throw strayReference(bound.stray)
  return bound
}

async function propose(execution: Execution, id: string, proposal: Proposal): Promise<void> {
  const { agent, reason } = proposal
  checkProse(reason)
  const content = boundOf(execution, proposal.content).value
  const asked = { agent: agentId(agent), content, reason }
  const ask: Ask = { kind: 'proposal', proposal: { ...proposal, content } }
  await execution.ask(id, ask, asked, () => null)
}

function reveal(execution: Execution, id: string, reference: unknown): Promise<JsonValue> {
  const known = execution.references.read(reference)
  if (known === undefined) throw strayReference('')
  const ask: Ask = { kind: 'reveal', ...known }
  return execution.ask(id, ask, { reveal: { ...known } }, (given) => {
    invariant(given.kind === 'revealed', 'a reference is revealed by its content')
    return given.value
  })
}

/** Terms count only where there are any: questions without had this digest before. */
function askedOfPerson({ prompt, details = null, ...terms }: Question): unknown {
  const { by, timeoutMs, escalateAfterMs, escalateTo } = terms
  const given = Object.entries({ by, timeoutMs, escalateAfterMs, escalateTo })
  return { prompt, details, ...Object.fromEntries(given.filter(([, each]) => each !== undefined)) }
}

/** What is left out counts only where it is there: effects without had this digest before. */
function askedOf(
  { action, grant, arguments: args, compensation }: AskedRequest,
  batch: boolean,
): unknown {
  const undone = compensation === undefined ? {} : { compensation }
  return { action, grant, arguments: args, ...undone, ...(batch ? { batch } : {}) }
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** A part of a step id. */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && name.length > 0 && name.isWellFormed()) return name
  throw new RunsError(RUNS_CODES.stepConflict, 'A step id is a string that is not empty')
}

function checkProse(text: unknown): void {
  if (typeof text === 'string' && text.length <= PROSE_CHARACTERS_MAX && text.isWellFormed()) return
  const data = { charactersMax: PROSE_CHARACTERS_MAX }
  throw new RunsError(RUNS_CODES.valueLimit, 'A reason or prompt is a text of bounded length', data)
}

function unwrap<R>(id: string, outcome: EffectOutcome<R>): R {
  if (outcome.kind === 'succeeded') return outcome.value
  if (outcome.kind === 'denied') throw deniedError(id, outcome.denial)
  throw failedError(id, outcome.error)
}

function deniedError(step: string, denial: Denial): RunsError {
  const data = { step, denial: denial as unknown as JsonValue }
  return new RunsError(RUNS_CODES.effectDenied, `"${step}" was denied: ${denial.message}`, data)
}

function failedError(step: string, error: ErrorRecord): RunsError {
  const data = { step, error: error as unknown as JsonValue }
  return new RunsError(RUNS_CODES.effectFailed, `"${step}" failed: ${error.message}`, data)
}
