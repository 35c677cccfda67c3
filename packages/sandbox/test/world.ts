/** Guests under a hand-made context, and a world of runs in which owners can die. */
import { createAuthority, createGrants, toolKind } from '@ice/capabilities'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { EventStore, RecordedEvent } from '@ice/events/ports'
import {
  createIds,
  errorRecord,
  type JsonObject,
  type JsonValue,
  type PrincipalId,
  type RunId,
  seededRandom,
  systemClock,
  systemRandom,
} from '@ice/primitives'
import { createRuns, memoryOwnership, type RunsService } from '@ice/runs'
import type { EffectHandler, EffectRequest, GrantSpec, Program, RunContext } from '@ice/runs/ports'
import { evaluate } from '../src/evaluate.ts'
import type { EvaluateOptions, SandboxedProgramInit } from '../src/ports.ts'
import { sandboxedProgram } from '../src/program.ts'

export const any = { parse: (value: unknown): unknown => value }

/** A guest of the source, as a program. */
export function guest(
  source: string,
  more: Partial<SandboxedProgramInit<unknown, unknown>> = {},
): Program {
  return sandboxedProgram({ name: 'guest', source, input: any, output: any, ...more })
}

/** What an effect of the hand-made context comes to. */
export type Perform = (id: string, request: EffectRequest<unknown>) => Promise<unknown> | unknown

/** A context without a run: every effect comes to what `perform` says, in the order of asking. */
export function context(
  perform: Perform = (_id, { arguments: args }) => args,
  prefix = '',
): RunContext {
  const effect = async (id: string, request: EffectRequest<unknown>) =>
    perform(prefix + id, request)
  return {
    run: 'the-run' as RunId,
    now: 1_700_000_000_000 as RunContext['now'],
    random: seededRandom(`the-run/${prefix}`),
    effect: effect as RunContext['effect'],
    attempt: (async (id, request) => {
      try {
        return { kind: 'succeeded', value: await effect(id, request), event: 'e' }
      } catch (error) {
        return { kind: 'failed', error: errorRecord(error), event: 'e' }
      }
    }) as RunContext['attempt'],
    propose: async () => undefined,
    hold: noReferences,
    part: noReferences,
    reveal: noReferences,
    approval: async () => ({ approved: true, by: 'os:bob' as PrincipalId, comment: null }),
    uuid: notHere,
    sleep: notHere,
    signal: notHere,
    event: notHere,
    batch: notHere,
    race: notHere,
    any: notHere,
    all: notHere,
    map: notHere,
    stage: notHere,
    spawn: notHere,
    continueAs: notHere,
    patched: notHere,
    scope: (name) => context(perform, `${prefix}${name}/`),
  }
}

function notHere(): never {
  throw new Error('nothing here waits')
}

/** A guest is given handles; references are the run's. */
function noReferences(): never {
  throw new Error('nothing here asks for references')
}

/** What a run of a guest came to: its result, or the code it ended with. */
export async function outcomeOf(
  program: Program,
  input: unknown = {},
  under: RunContext = context(),
): Promise<unknown> {
  try {
    return { value: await program.run(under, input) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

/** As `outcomeOf`, of an evaluation. */
export function evaluated(source: string, options: EvaluateOptions = {}): unknown {
  try {
    return { value: evaluate(source, options).value }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

function codeOf(error: unknown): string {
  // Whatever has no code is a defect of the sandbox, and shown as it is.
  const { code } = error as { readonly code?: unknown }
  if (typeof code === 'string' && code.startsWith('ICE_')) return code
  throw error
}

const objects = { parse: (value: unknown): JsonObject => value as JsonObject }

/** A tool that is always repeated with the same key. */
export function tool(action: string, act: (args: JsonObject) => JsonValue): EffectHandler {
  return {
    action,
    fate: 'idempotent',
    outcome: 'EffectSucceeded',
    arguments: objects,
    resource: () => ({ name: action }),
    perform: async (call) => ({ value: act(call.arguments), observed: {} }),
  }
}

export const toolGrants: Readonly<Record<string, GrantSpec>> = {
  g: { actions: ['do'], resource: { kind: 'tool', names: ['do'] } },
}

/** One process over a store. */
export interface World {
  readonly runs: RunsService
  readonly store: EventStore
  /** Steps in the order in which handlers were called. */
  readonly witness: string[]
  /** Another process over the same log. */
  another(name: string, programs: readonly Program[]): World
  die(): void
  events(run: RunId): Promise<readonly RecordedEvent[]>
}

export interface WorldOptions {
  readonly store?: EventStore
  readonly owners?: ReturnType<typeof memoryOwnership>
  readonly name?: string
  readonly programs?: readonly Program[]
  /** @defaultValue the tool `do`, which gives its arguments back */
  readonly effects?: readonly EffectHandler[]
}

export function world(options: WorldOptions = {}): World {
  const clock = systemClock
  const store = options.store ?? memoryEventStore({ clock })
  const log = createEventLog({ store, taxonomy: composeTaxonomy(standardTypes), clock })
  const kinds = [toolKind]
  const authority = createAuthority({ log, kinds })
  const ids = createIds({ clock, random: systemRandom })
  const principal = 'os:test' as PrincipalId
  createGrants({ log, authority, kinds, clock, ids, principal })
  const owners = options.owners ?? memoryOwnership()
  const ownership = owners.join(options.name ?? 'alice')
  const witness: string[] = []
  const wanted = options.effects ?? [tool('do', (args) => args)]
  const effects: readonly EffectHandler[] = wanted.map((act) => ({
    ...act,
    perform: (call) => {
      witness.push(call.effect)
      return act.perform(call)
    },
  }))
  const programs = options.programs ?? []
  const runs = createRuns({ log, authority, ownership, clock, ids, effects, programs, principal })
  return {
    runs,
    store,
    witness,
    another: (name, others) => world({ ...options, store, owners, name, programs: others }),
    die: () => owners.kill(ownership.self),
    async events(run) {
      const found: RecordedEvent[] = []
      for await (const batch of log.read({ stream: `run/${run}` as never })) found.push(...batch)
      return found
    },
  }
}
