/**
 * The act of a batch: its calls carried out, and one report made of theirs.
 *
 * 1. Each call has an idempotency key of its own, the same in every attempt.
 * 2. One report: what each came to, in order; what each spent, and its bound where it does not say.
 * 3. Nothing succeeded: the batch has failed, with the error that says the least of what happened;
 *    a proof that nothing was done is one of the whole batch only where every call has one.
 * 4. One call of an irreversible batch that may have happened puts all of it in doubt: the list
 *    that the program would be given would say something that nobody knows.
 */

import {
  canonicalize,
  errorRecord,
  type JsonObject,
  type JsonValue,
  joinLabels,
} from '@ice/primitives'
import { resultLabel } from './call-labels.ts'
import type { EffectIntent, Item } from './effects.ts'
import { isProof } from './ended-right.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { amountOf } from './item-claims.ts'
import { BATCH_CONCURRENCY, OBSERVED_BYTES_MAX } from './limits.ts'
import type { BatchReport, EffectCall, EffectReport } from './ports.ts'

/** Carries out the calls of a batch. @throws what a batch that failed came to */
export async function performItems(
  intent: EffectIntent,
  items: readonly Item[],
  call: EffectCall,
): Promise<EffectReport> {
  const { handler } = intent
  const calls = items.map(({ args, resource }, i) => {
    return { arguments: args, resource, idempotencyKey: `${call.idempotencyKey}/${i}` }
  })
  const { arguments: _arguments, resource: _resource, idempotencyKey: _key, ...common } = call
  const reports =
    handler.performBatch === undefined
      ? await oneByOne(intent, calls, common)
      : await handler.performBatch({ ...common, items: calls })
  if (!Array.isArray(reports) || reports.length !== items.length) {
    const message = `The handler of ${handler.action} has not said what became of every call`
    throw new RunsError(RUNS_CODES.batchReport, message, { items: items.length })
  }
  return reportOf(intent, items, { reports, isStopped: call.signal.aborted })
}

type Common = Omit<EffectCall, 'arguments' | 'idempotencyKey' | 'resource'>
type Call = Pick<EffectCall, 'arguments' | 'idempotencyKey' | 'resource'>

async function oneByOne(
  { handler, request }: EffectIntent,
  calls: readonly Call[],
  common: Common,
): Promise<readonly BatchReport[]> {
  const reports: BatchReport[] = []
  const { concurrency = BATCH_CONCURRENCY } = request
  let at = 0
  const lane = async (): Promise<void> => {
    while (at < calls.length) {
      const i = at
      at += 1
      const call = { ...common, ...(calls[i] as Call) }
      try {
        reports[i] = common.signal.aborted ? { error: new NotBegun() } : await handler.perform(call)
      } catch (error) {
        reports[i] = { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, calls.length) }, lane))
  return reports
}

/** Of a call that was not begun before its batch was to stop: the proof that it did not happen. */
class NotBegun extends Error {
  readonly code = 'ICE_BATCH_ABORTED'

  constructor() {
    super('The batch was to stop before this call began')
  }
}

interface Reports {
  readonly reports: readonly BatchReport[]
  readonly isStopped: boolean
}

function reportOf(
  intent: EffectIntent,
  items: readonly Item[],
  { reports, isStopped }: Reports,
): EffectReport {
  const spent = spentBy(items, reports)
  const failed = reports.flatMap((each) => ('error' in each ? [each.error] : []))
  const isIrreversible = intent.data.fate === 'irreversible'
  const unsure = failed.find((error) => isUnsure(errorRecord(error).code, isStopped))
  if (isIrreversible && unsure !== undefined) throw withSpent(unsure, spent)
  if (failed.length === reports.length) throw withSpent(leastSure(failed), spent)
  const value = reports.map((each): JsonValue => {
    if ('error' in each) return { error: errorRecord(each.error) as unknown as JsonValue }
    return { ok: each.value }
  })
  const labels = items.map(({ args }, i) => {
    const source = { handler: intent.handler, args, labels: intent.data.labels }
    const report = reports[i] as BatchReport
    return resultLabel(source, 'error' in report ? NOTHING_SAID : report)
  })
  const label = joinLabels(...labels)
  return { value, observed: observedOf(reports, failed.length), label, spent }
}

const NOTHING_SAID: EffectReport = { value: null, observed: {} }

/** Whether such an error leaves it open if the call took place. */
function isUnsure(code: string, isStopped: boolean): boolean {
  if (code.endsWith('_IN_DOUBT')) return true
  return isStopped && !isProof(code) && !code.endsWith('_DENIED')
}

/** The error that a batch failed with: a proof, or a refusal, only where nothing else is. */
function leastSure(errors: readonly unknown[]): unknown {
  const codes = errors.map((error) => errorRecord(error).code)
  const plain = codes.findIndex((code) => !isProof(code) && !code.endsWith('_DENIED'))
  return errors[plain >= 0 ? plain : Math.max(0, codes.findIndex(isProof))]
}

function withSpent(error: unknown, spent: EffectReport['spent']): object {
  return { ...errorRecord(error), spent }
}

/** What all took of each unit that they are bound in: where one does not say, its bound. */
function spentBy(items: readonly Item[], reports: readonly BatchReport[]): Record<string, number> {
  const sums = new Map<string, number>()
  for (const [i, { bounds = {} }] of items.entries()) {
    for (const unit of Object.keys(bounds)) {
      const said = saidSpent(reports[i] as BatchReport, unit)
      sums.set(unit, (sums.get(unit) ?? 0) + (said ?? amountOf(bounds, unit) ?? 0))
    }
  }
  return Object.fromEntries(sums)
}

function saidSpent(report: BatchReport, unit: string): number | undefined {
  const said = 'error' in report ? report.error : report
  try {
    const { spent } = said as { readonly spent?: Readonly<Record<string, unknown>> }
    const amount = spent !== undefined && Object.hasOwn(spent, unit) ? spent[unit] : undefined
    return Number.isSafeInteger(amount) && (amount as number) >= 0 ? (amount as number) : undefined
  } catch {
    // What cannot be read says nothing.
    return undefined
  }
}

/** What was seen of each, as far as there is room for it beside the others. */
function observedOf(reports: readonly BatchReport[], failed: number): JsonObject {
  // What one call kept is not what its handler would be asked to undo: the whole batch.
  const keeps = reports.some((report) => 'kept' in report && report.kept !== undefined)
  const counts = { calls: reports.length, failed, ...(keeps ? { notKept: 'batch' } : {}) }
  const each = reports.map((report) => ('error' in report ? null : report.observed))
  try {
    const whole = { ...counts, each }
    return canonicalize(whole).length <= OBSERVED_BYTES_MAX ? whole : counts
  } catch {
    // Evidence that JSON cannot hold is none.
    return counts
  }
}
