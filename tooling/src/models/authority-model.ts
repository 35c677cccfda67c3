/**
 * Real runs under shared budgets, over one log, in processes that die, held to a ledger kept by
 * hand (`budget-ledger.ts`).
 *
 * Everything is real but the clock, which moves when a step says so, and the death of a process:
 * its owner counts as dead, and none of its appends reaches the log any more, or one last one does
 * and its acknowledgement does not come back. Its handlers stay where they were.
 */
import { ok } from 'node:assert/strict'
import { createAuthority, createGrants, toolKind } from '@ice/capabilities'
import type { Authority, Caveat, Grants } from '@ice/capabilities/ports'
import {
  composeTaxonomy,
  createEventLog,
  type EventLog,
  type EventStore,
  standardTypes,
} from '@ice/events'
import {
  type Clock,
  type GrantId,
  type Ids,
  type RunId,
  type StreamId,
  settled,
} from '@ice/primitives'
import { type ManualClock, manualClock, seededIds } from '@ice/primitives/testing'
import { createRuns, defineProgram, memoryOwnership, type RunsService } from '@ice/runs'
import type { EffectCall, EffectHandler, EffectReport } from '@ice/runs/ports'
import { Answers } from './answers.ts'
import {
  type AuthorityCase,
  type AuthorityStep,
  MODEL_WINDOW_MS,
  type ModelEffect,
  type ModelLimits,
} from './authority-steps.ts'
import { BudgetLedger, type LedgerCounts } from './budget-ledger.ts'

/** Where the log of a case is. */
export interface AuthoritySubject {
  /** Opens one more connection to it. */
  open(clock: Clock): EventStore | Promise<EventStore>
}

const START = 1_735_689_600_000
const PRINCIPAL = 'os:model' as never
const ROUNDS_MAX = 120

const taxonomy = composeTaxonomy(standardTypes)
const any = { parse: (value: unknown): unknown => value }

/** Effects group after group, those of a group at once. */
const script = defineProgram({
  name: 'script',
  version: '1',
  input: any,
  output: any,
  async run(ctx, input) {
    const groups = input as readonly (readonly ModelEffect[])[]
    for (const [g, group] of groups.entries()) {
      await Promise.all(
        group.map(({ action, ...args }, i) =>
          ctx.attempt(`${g}/${i}/of ${group.length}`, { action, grant: 'g', arguments: args }),
        ),
      )
    }
    return null
  },
})

interface Pending {
  readonly worker: Worker
  readonly call: EffectCall
  readonly settle: (report: EffectReport) => void
  readonly fail: (error: Error) => void
}

interface Worker {
  readonly log: EventLog
  readonly store: EventStore
  readonly authority: Authority
  readonly grants: Grants
  readonly runs: RunsService
  readonly name: string
  isDead: boolean
  /** What becomes of the next append: the process dies before it, or behind it. */
  trap: 'before append' | 'after append' | null
}

/** Does a case. @returns what was counted @throws {AssertionError} where a promise is broken */
export const holdToLedger = async (
  subject: AuthoritySubject,
  { roots, steps }: AuthorityCase,
): Promise<LedgerCounts> => {
  const model = new AuthorityModel(subject)
  try {
    for (const limits of roots) await model.root(limits)
    for (const step of steps) {
      await model.take(step)
      await model.rest()
    }
    return await model.finish()
  } finally {
    await model.close()
  }
}

class AuthorityModel {
  readonly #subject: AuthoritySubject
  readonly #clock: ManualClock = manualClock(START)
  readonly #ids: Ids = seededIds('authority model', this.#clock)
  readonly #owners = memoryOwnership()
  readonly #workers: (Worker | undefined)[] = [undefined, undefined]
  readonly #all: Worker[] = []
  readonly #grants: GrantId[] = []
  readonly #runs: RunId[] = []
  readonly #ends = new Set<number>()
  #pending: Pending[] = []
  /** Counts everything that happens, so that rest can be told from work. */
  #pulse = 0
  readonly #answers = new Answers()

  constructor(subject: AuthoritySubject) {
    this.#subject = subject
  }

  async root(limits: ModelLimits): Promise<void> {
    const { authority, log } = await this.#worker(0)
    const id = this.#ids.nextGrantId()
    const grant = authority.rootGrant({
      id,
      holder: `principal/${PRINCIPAL}`,
      actions: ['spend', 'pay'],
      resource: { kind: 'tool', name: 'model' },
      caveats: caveatsOf(limits),
      delegable: 4,
    })
    const events = [{ type: 'CapabilityGranted', data: { grant } }]
    const stream = `grant/${id}` as StreamId
    await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
    this.#grants.push(id)
  }

  async take(step: AuthorityStep): Promise<void> {
    switch (step.kind) {
      case 'start': {
        const worker = await this.#worker(step.process)
        const grants = { g: pick(this.#grants, step.grant) as GrantId }
        const started = await worker.runs.start(script, step.groups, { grants }).catch(died(worker))
        if (started === undefined) return
        this.#runs.push(started)
        this.#drive(worker, started)
        return
      }
      case 'release':
        return this.#release(step.which)
      case 'crash': {
        const worker = await this.#worker(step.process)
        if (step.when === 'now') this.#kill(worker)
        else worker.trap = step.when
        return
      }
      case 'tick':
        return this.#clock.advance(step.ms)
      case 'delegate':
      case 'revoke':
        return this.#command(step)
      default:
        return this.#onRun(step)
    }
  }

  async #command(step: Extract<AuthorityStep, { kind: 'delegate' | 'revoke' }>): Promise<void> {
    const worker = await this.#worker(0)
    const grant = pick(this.#grants, step.grant) as GrantId
    if (step.kind === 'revoke') {
      await worker.grants.revoke(grant, { reason: 'enough' }).catch(() => undefined)
      return
    }
    const holder = `principal/${PRINCIPAL}` as const
    const delegable = 4 - (await depthOf(worker, grant)) - 1
    const child = { parent: grant, holder, delegable, caveats: caveatsOf(step.limits) }
    // A grant that is revoked, or may not be delegated further, has no children.
    const id = await worker.grants.delegate(child).catch(() => undefined)
    if (id !== undefined) this.#grants.push(id)
  }

  async #onRun(
    step: Extract<AuthorityStep, { kind: 'resume' | 'resolve' | 'abort' }>,
  ): Promise<void> {
    const run = pick(this.#runs, step.run)
    if (run === undefined) return
    const worker = await this.#worker('process' in step ? step.process : 0)
    if (step.kind === 'resume') this.#drive(worker, run)
    else if (step.kind === 'abort') {
      const { force } = step
      void worker.runs.abort(run, { reason: 'enough', force }).catch(() => undefined)
    } else {
      const { inDoubt } = await worker.runs.view(run)
      const [effect] = inDoubt
      const command = { happened: step.happened, evidence: 'the model says so' }
      if (effect === undefined) return
      await worker.runs.resolveDoubt(run, { effect, ...command }).catch(() => undefined)
    }
  }

  /** Waits until nothing goes on by itself any more. */
  async rest(): Promise<void> {
    for (let still = 0; still < 4; ) {
      const before = this.#pulse
      await settled()
      still = this.#pulse === before && this.#answers.areThere ? still + 1 : 0
    }
  }

  /** Brings every run to its end, and counts the log. */
  async finish(): Promise<LedgerCounts> {
    // One process is left: between two that live, each could claim what the other has just claimed.
    this.#kill(await this.#worker(1))
    for (let round = 0; ; round += 1) {
      const worker = await this.#worker(0)
      worker.trap = null
      const open = await this.#unfinished(worker)
      if (open.length === 0) break
      ok(round < ROUNDS_MAX, `${open.length} runs do not come to an end`)
      while (this.#pending.length > 0) this.#release(0)
      for (const run of open) {
        await this.#onRun({ kind: 'resolve', run: this.#runs.indexOf(run), happened: true })
        this.#drive(worker, run)
      }
      await this.rest()
      await this.#clock.advance(25)
      await this.rest()
    }
    const ledger = new BudgetLedger(this.#ends)
    const { log } = await this.#worker(0)
    for await (const batch of log.readAll({})) for (const event of batch) ledger.take(event)
    ledger.finish()
    return ledger.counts
  }

  async close(): Promise<void> {
    for (const worker of this.#all) worker.isDead = true
    for (const { fail } of this.#pending) fail(new Error('the case is over'))
    await Promise.all(this.#all.map(({ runs }) => runs.close()))
    for (const store of new Set(this.#all.map((worker) => worker.store))) await store.close()
  }

  async #unfinished({ runs }: Worker): Promise<readonly RunId[]> {
    const open: RunId[] = []
    for (const run of this.#runs) {
      if ((await runs.view(run)).state !== 'TERMINATED') open.push(run)
    }
    return open
  }

  #drive({ runs }: Worker, run: RunId): void {
    // It rejects when its process dies; whoever takes the run over goes on with it.
    void runs.drive(run).catch(() => undefined)
  }

  /** The living process at this place; a new one after a death. */
  async #worker(at: number): Promise<Worker> {
    const place = at % this.#workers.length
    const known = this.#workers[place]
    if (known !== undefined && !known.isDead) return known
    const fresh = await this.#open(`worker-${this.#all.length}`)
    this.#workers[place] = fresh
    this.#all.push(fresh)
    return fresh
  }

  async #open(name: string): Promise<Worker> {
    const clock = this.#clock
    const store = await this.#subject.open(clock)
    const whole = this.#answers.of(createEventLog({ store, taxonomy, clock }))
    const append: EventLog['append'] = async (request) => {
      this.#pulse += 1
      const dies = (): never => {
        this.#kill(worker)
        throw new Error(`${name} is dead`)
      }
      if (worker.isDead || worker.trap === 'before append') return dies()
      const appended = await whole.append(request)
      this.#pulse += 1
      this.#ends.add(Math.max(...appended.writes.flatMap(({ positions }) => positions)))
      return worker.isDead || worker.trap === 'after append' ? dies() : appended
    }
    const log: EventLog = { ...whole, append }
    const kinds = [toolKind]
    const authority = createAuthority({ log, kinds })
    const base = { log, authority, clock, ids: this.#ids, principal: PRINCIPAL }
    const ownership = this.#owners.join(name)
    const effects = [this.#handler('spend', () => worker), this.#handler('pay', () => worker)]
    const runs = createRuns({ ...base, ownership, effects, programs: [script] })
    const grants = createGrants({ ...base, kinds })
    const worker: Worker = { log, store, authority, grants, runs, name, isDead: false, trap: null }
    return worker
  }

  #handler(action: 'spend' | 'pay', worker: () => Worker): EffectHandler {
    return {
      action,
      fate: action === 'pay' ? 'irreversible' : 'idempotent',
      outcome: 'EffectSucceeded',
      arguments: { parse: (value) => value as never },
      resource: () => ({ name: 'model' }),
      bounds: (args) => ({ tokens: args['bound'] as number }),
      perform: (call) =>
        new Promise((settle, fail) => {
          this.#pulse += 1
          this.#pending.push({ worker: worker(), call, settle, fail })
          call.signal.addEventListener('abort', () => fail(coded('MODEL_STOPPED_UNAVAILABLE')))
        }),
    }
  }

  #release(which: number): void {
    const chosen = pick(this.#pending, which)
    if (chosen === undefined) return
    this.#pending = this.#pending.filter((one) => one !== chosen)
    const { call, settle, fail } = chosen
    const { bound, does } = call.arguments as unknown as ModelEffect
    const less = Math.floor(bound / 2)
    const report = (tokens?: number): void =>
      settle({ value: null, observed: {}, ...(tokens === undefined ? {} : { spent: { tokens } }) })
    if (does === 'fail') fail(coded('MODEL_FAILED_UNAVAILABLE'))
    else if (does === 'fail-less') fail(coded('MODEL_FAILED_UNAVAILABLE', less))
    else if (does === 'deny') fail(coded('MODEL_REFUSED_DENIED'))
    else if (does === 'doubt' && call.attempt === 1) fail(coded('MODEL_SENT_IN_DOUBT'))
    else report(does === 'silent' ? undefined : does === 'less' ? less : spentBy(does, bound))
  }

  #kill(worker: Worker): void {
    worker.isDead = true
    this.#owners.kill(worker.name as never)
    this.#pending = this.#pending.filter((one) => one.worker !== worker)
  }
}

function spentBy(does: ModelEffect['does'], bound: number): number {
  return does === 'more' ? bound * 3 + 1 : bound
}

function coded(code: string, tokens?: number): Error {
  const spent = tokens === undefined ? {} : { spent: { tokens } }
  return Object.assign(new Error(code), { code }, spent)
}

function caveatsOf({ uses, tokens, rate }: ModelLimits): readonly Caveat[] {
  return [
    ...(uses === undefined ? [] : [{ kind: 'count', max: uses } as const]),
    ...(tokens === undefined ? [] : [{ kind: 'budget', unit: 'tokens', max: tokens } as const]),
    ...(rate === undefined
      ? []
      : [{ kind: 'rate', max: rate, windowMs: MODEL_WINDOW_MS } as const]),
  ]
}

async function depthOf({ authority }: Worker, grant: GrantId): Promise<number> {
  await authority.refresh([grant])
  let depth = 0
  let above = authority.grant(grant)?.grant.parent ?? null
  for (; above !== null; depth += 1) above = authority.grant(above)?.grant.parent ?? null
  return depth
}

function pick<T>(all: readonly T[], index: number): T | undefined {
  return all[index % all.length]
}

/** A start fails only when its process dies in it. */
function died(worker: Worker): (error: unknown) => undefined {
  return (error) => {
    if (!worker.isDead) throw error
    return undefined
  }
}
