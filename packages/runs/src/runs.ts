/** Runs: started, driven, awaited, listed, and commanded from outside. */

import { fold as foldEvents } from '@ice/events/define'
import type { RunId } from '@ice/primitives'
import { answerStep } from './answering.ts'
import { Breakers } from './breakers.ts'
import { abortChildren, spawnHandler } from './children.ts'
import { Chunks } from './chunks.ts'
import { foldRun, foldRunAt, requestAbort, resolveEffect } from './commands.ts'
import { COMPENSATION_POLICY } from './compensate.ts'
import type { Components, RunsInit } from './components.ts'
import { createDriver, type Driver } from './driver.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { sendSignal } from './inbox.ts'
import { declassifyValue, endorseValue, valuesOfRun } from './label-commands.ts'
import { recordLate } from './late.ts'
import { type RunFold, runProjection, viewOf } from './lifecycle.ts'
import type { Program, RunResult, Runs, RunView } from './ports.ts'
import { quarantineRun, releaseRun } from './quarantine.ts'
import { withRights } from './question-rights.ts'
import { resultOf } from './result.ts'
import { retryOf, termsOf } from './retry.ts'
import { createRights } from './rights.ts'
import { type ScheduledStart, startRun } from './start.ts'
import { programKey, programNamed, programOf } from './versions.ts'
import { createWatch } from './watch.ts'

/** The service, and its end. */
export interface RunsService extends Runs {
  /**
   * Starts a run for a schedule, of a program that is known here; throws as `start`, and
   * @throws `ICE_RUNS_PROGRAM_NOT_FOUND`, `ICE_EVENTS_VERSION_CONFLICT` — what was to be written
   *   beside it, or its key, has moved: nothing is written
   */
  startScheduled(start: ScheduledStart): Promise<RunId>
  /** Whether a run is being driven by this service now, on whoever's command. */
  isDriven(run: RunId): boolean
  /** Stops driving; runs that were going on can be resumed. Does not close the log. */
  close(): Promise<void>
}

/** Composes runs over their ports. */
export function createRuns(init: RunsInit): RunsService {
  const programs = new Map<string, Program>()
  const register = (program: Program): void => {
    if (program.retry !== undefined) retryOf(program.retry)
    programs.set(programKey(program.name, program.version), program)
  }
  for (const program of init.programs ?? []) register(program)
  const driver = createDriver(() => components, init.drivesChildren !== false)
  const late = new Set<Promise<void>>()
  const components = componentsOf(init, programs, { driver, late })
  const { drive } = driver
  const start: Runs['start'] = async (program, input, options = {}) => {
    register(program)
    return startRun(components, program, input, options)
  }

  return {
    start,
    async startScheduled({ schedule, program: { name, version }, input, options, beside }) {
      const program = programNamed(name, version, programs)
      const scheduled = { schedule, ...(beside === undefined ? {} : { beside }) }
      return startRun(components, program, input, { ...options, scheduled })
    },
    drive,
    isDriven: (run) => driver.isDriven(run),
    async execute(program, input, options = {}) {
      const run = await start(program, input, options)
      return { run, stretch: await drive(run, options) }
    },
    watch: (run, onChunk) => components.chunks.add(run, onChunk),
    result: (run, options = {}) => awaitResult(components, run, options.signal),
    view: async (run) => withRights(components, viewOf(await foldRun(components, run))),
    viewAt: async (run, version) => viewOf(await foldRunAt(components, run, version)),
    list: (query) => listRuns(components, query),
    answer: (run, command) => answerStep(components, run, command),
    labels: (run) => valuesOfRun(components, run),
    endorse: (run, command) => endorseValue(components, run, command),
    declassify: (run, command) => declassifyValue(components, run, command),
    signal: (run, command) => sendSignal(components, run, command),
    resolveDoubt: (run, command) => resolveEffect(components, run, command),
    quarantine: (run, command) => quarantineRun(components, run, command),
    release: (run, command) => releaseRun(components, run, command),
    async abort(run, command) {
      await requestAbort(components, run, command)
      if (command.force === true) {
        const { children } = await foldRun(components, run)
        await abortChildren(components, children.values())
      }
      // A run nobody drives is concluded here; one that somebody drives is that owner's to end.
      if (command.force !== true && !driver.isDriven(run)) await drive(run)
    },
    async close() {
      const driven = driver.close()
      components.watch.close()
      components.rights.close()
      await driven
      await Promise.allSettled(late)
    },
  }
}

function componentsOf(
  init: RunsInit,
  programs: ReadonlyMap<string, Program>,
  { driver, late: pending }: { readonly driver: Driver; readonly late: Set<Promise<void>> },
): Components {
  const { log, clock } = init
  const components: Components = {
    log,
    clock,
    authority: init.authority,
    ownership: init.ownership,
    ids: init.ids,
    principal: init.principal,
    limits: init.limits ?? {},
    handlers: handlersOf(init, () => components),
    breakers: new Breakers(log, init.breakers),
    chunks: new Chunks(),
    invariants: init.invariants ?? [],
    compensation: { ...COMPENSATION_POLICY, ...init.compensation },
    late: (run, completion) => {
      // What cannot be recorded is lost, as it is when the process ends before its handler does.
      const recording = recordLate({ log }, run, completion).catch(() => undefined)
      pending.add(recording)
      void recording.finally(() => pending.delete(recording))
    },
    // A look that failed wakes whoever waits, and their own look reports it where it is heard.
    watch: createWatch({ log, clock }, () => undefined),
    // So is a look at rights: as long as the log cannot be read, nothing can be appended to it.
    rights: createRights({ log, clock }, () => undefined),
    checkSignal: (fold, signal, payload) => checkSignal(fold, programs, signal, payload),
    programOf: (fold) => programOf(fold, programs),
    programNamed: (name, version) => programNamed(name, version, programs),
    delegate: init.delegate ?? noDelegation,
    kick: (run, by) => driver.kick(run, by),
    isDriven: (run) => driver.isDriven(run),
  }
  return components
}

async function noDelegation(): Promise<never> {
  const message = 'This composition has no way to make grants for children'
  throw new RunsError(RUNS_CODES.grantsInvalid, message)
}

/** @throws `ICE_RUNS_HANDLERS_UNSUPPORTED`, `ICE_RUNS_ATTEMPTS_UNSUPPORTED` */
function handlersOf(
  { effects: given, log }: RunsInit,
  components: () => Components,
): Components['handlers'] {
  const effects = [...given, spawnHandler(components)]
  const handlers = new Map(effects.map((handler) => [handler.action, handler]))
  for (const { heartbeatMs } of effects) {
    if (heartbeatMs !== undefined) termsOf({ heartbeatMs })
  }
  const lost = effects.find(({ outcome }) => !log.taxonomy.has(outcome))
  if (lost === undefined && handlers.size === effects.length) return handlers
  const message =
    lost === undefined
      ? 'Two handlers carry out one action'
      : `The outcome of ${lost.action}, ${lost.outcome}, is no event type of this log`
  throw new RunsError(RUNS_CODES.handlersInvalid, message)
}

/** A program that is not known here is held to its schema where it takes the signal. */
function checkSignal(
  fold: RunFold,
  programs: ReadonlyMap<string, Program>,
  signal: string,
  payload: unknown,
): void {
  const { name, version } = fold.view?.program ?? { name: '', version: '' }
  const program = programs.get(programKey(name, version))
  if (program === undefined) return
  const { signals = {} } = program
  const schema = Object.hasOwn(signals, signal) ? signals[signal] : undefined
  const known = Object.keys(signals).join(', ') || 'none'
  if (schema === undefined) {
    const message = `${name} ${version} takes no signal "${signal}"; it takes: ${known}`
    throw new RunsError(RUNS_CODES.signalInvalid, message, { signal })
  }
  try {
    schema.parse(payload)
  } catch (cause) {
    const message = `The payload does not fit the schema of the signal "${signal}"`
    throw new RunsError(RUNS_CODES.signalInvalid, message, { signal }, cause)
  }
}

async function awaitResult(
  components: Components,
  run: RunId,
  signal: AbortSignal | undefined,
): Promise<RunResult> {
  const { log } = components
  const { position } = await log.store.head()
  const fold = await foldRun(components, run)
  if (fold.view?.continuedAs != null) return awaitResult(components, fold.view.continuedAs, signal)
  if (fold.view?.state === 'TERMINATED') return resultOf(fold, log.store.blobs)
  const filter = { streamPrefix: `run/${run}`, types: ['RunTerminated'] }
  const query = { after: position, filter, ...(signal === undefined ? {} : { signal }) }
  for await (const _end of log.store.subscribe(query)) {
    return awaitResult(components, run, signal)
  }
  throw new RunsError(RUNS_CODES.aborted, `Nobody waits for the result of run ${run} any longer`)
}

async function* listRuns(
  components: Components,
  query: { readonly state?: string; readonly program?: string; readonly limit?: number } = {},
): AsyncGenerator<RunView> {
  const { log } = components
  const filter = { streamPrefix: 'run/', types: ['RunCreated'] }
  let left = query.limit ?? Number.POSITIVE_INFINITY
  for await (const batch of log.readAll({ filter })) {
    for (const created of batch) {
      if (left <= 0) return
      // The first event tells whether the rest has to be read.
      const first = viewOf(foldEvents(runProjection, runProjection.initialState(), [created]))
      if (query.program !== undefined && first.program.name !== query.program) continue
      const view = viewOf(await foldRun(components, first.run))
      if (query.state !== undefined && view.state !== query.state) continue
      left -= 1
      yield await withRights(components, view)
    }
  }
}
