/**
 * Budgets: how much of a limited grant has been handed out, folded from `budget/<grant>`.
 *
 *     BudgetAllotted   a slice went to a run            taken grows
 *       with ifLeft    ... if all of it was left        taken grows, or nothing happens
 *     BudgetReturned   a run that ended gave the rest   taken shrinks by it, once a run
 *     CountDebited     one use, in older logs           taken grows, for good
 *
 * What is *taken* is either spent or held by a run, and only the run's own stream knows which.
 *
 * 1. What is drawn never exceeds a limit, whoever draws and however many at once: the fold decides
 *    about each draw on what stands before it, and says the same everywhere. So neither a draw nor
 *    a return needs a version. Only what says that it *was* taken counts beyond a limit.
 * 2. Anything else in the stream, and anything malformed, spends all of every unit for good.
 * 3. Memory is bounded: of a rate the newest windows are kept, and everything older is spent; of
 *    the runs that hold slices the latest are known, and what a forgotten one gives back is lost.
 *
 * The trap: a return that is believed. It is held against what that run was allotted.
 */
import type { RecordedEvent } from '@ice/events/ports'
import type { GrantId, StreamId } from '@ice/primitives'
import { BUDGET_HOLDERS_MAX, RATE_WINDOWS_MAX } from './limits.ts'
import { isRecord, own } from './plain.ts'
import type { BudgetUnit, Slice } from './ports.ts'

/** One limit of a grant: the smallest of its caveats of one unit. */
export interface Limit {
  readonly unit: BudgetUnit
  readonly max: number
  /** Of a rate; `null` for every other unit. @units milliseconds */
  readonly windowMs: number | null
}

/** What went out of one unit, or of one window of a rate. Changes in place. */
interface Account {
  taken: number
  /** What runs were allotted that have not given back yet; the latest last. */
  readonly holders: Map<string, Holding>
}

/** What one run was allotted. */
interface Holding {
  readonly amount: number
  /** Version of the event that gave it the last of it. */
  readonly last: number
}

/** The budget of one grant. Changes in place as its stream is folded. */
export interface Budget {
  readonly grant: GrantId
  readonly limits: readonly Limit[]
  /** Version of the budget's stream. */
  version: number
  /** The stream holds what is none of it: nothing is left of anything. */
  isBroken: boolean
  /** By unit. */
  readonly units: Map<string, Account>
  /** Of a rate, by the number of the window. */
  readonly windows: Map<number, Account>
  /** Windows up to this one are forgotten, and so spent. */
  windowFloor: number
}

/** The stream of a grant's budget. */
export function budgetStream(grant: GrantId): StreamId {
  return `budget/${grant}` as StreamId
}

/** A budget of which nothing is taken; `undefined` for a grant without limits. */
export function createBudget(grant: GrantId, limits: readonly Limit[]): Budget | undefined {
  if (limits.length === 0) return undefined
  return {
    grant,
    limits,
    version: 0,
    isBroken: false,
    units: new Map(),
    windows: new Map(),
    windowFloor: -1,
  }
}

/** Takes the next event of the budget's stream. Total. */
export function evolveBudget(budget: Budget, event: RecordedEvent): void {
  budget.version = event.version
  if (!isTaken(budget, event)) budget.isBroken = true
}

function isTaken(budget: Budget, { type, data }: RecordedEvent): boolean {
  if (!isRecord(data)) return false
  if (type === 'CountDebited') return isDebited(budget, own(data, 'count'))
  if (type !== 'BudgetAllotted' && type !== 'BudgetReturned') return false
  const [amount, run, window] = [own(data, 'amount'), own(data, 'run'), own(data, 'window')]
  if (own(data, 'grant') !== budget.grant || typeof run !== 'string') return false
  if (!isAmount(amount)) return false
  const limit = budget.limits.find(({ unit }) => unit === own(data, 'unit'))
  if (limit === undefined || !isWindowOf(limit, window)) return false
  const isAllotted = type === 'BudgetAllotted'
  const ifLeft = own(data, 'ifLeft')
  if (ifLeft !== undefined && (ifLeft !== true || !isAllotted)) return false
  // A draw of more than is left takes nothing; whoever made it finds that it holds no such slice.
  if (ifLeft && amount > leftOf(budget, limit, window as number | undefined)) return true
  const account = accountOf(budget, limit, window as number | undefined, isAllotted)
  // Of a window that is forgotten nothing is left: what happens to it changes nothing.
  if (account === undefined) return true
  if (!isAllotted) return giveBack(account, run, amount)
  return allot(account, run, { amount, last: budget.version })
}

/** Whether this is an amount of a budget: none is negative, none is rounded. */
export function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isWindowOf({ windowMs }: Limit, window: unknown): boolean {
  return windowMs === null ? window === undefined : isAmount(window)
}

function isDebited(budget: Budget, count: unknown): boolean {
  const limit = budget.limits.find(({ unit }) => unit === 'uses')
  if (limit === undefined || !isAmount(count) || count === 0) return false
  const account = accountOf(budget, limit, undefined, true)
  return account !== undefined && take(account, count)
}

function accountOf(
  budget: Budget,
  { unit, windowMs }: Limit,
  window: number | undefined,
  isMade: boolean,
): Account | undefined {
  if (windowMs === null) return made(budget.units, unit, isMade)
  if (window === undefined || window <= budget.windowFloor) return undefined
  const account = made(budget.windows, window, isMade)
  if (budget.windows.size <= RATE_WINDOWS_MAX) return account
  budget.windowFloor = Math.min(...budget.windows.keys())
  budget.windows.delete(budget.windowFloor)
  return account
}

function made<K>(accounts: Map<K, Account>, key: K, isMade: boolean): Account | undefined {
  const known = accounts.get(key)
  if (known !== undefined || !isMade) return known
  const account: Account = { taken: 0, holders: new Map() }
  accounts.set(key, account)
  return account
}

function take(account: Account, amount: number): boolean {
  account.taken += amount
  return Number.isSafeInteger(account.taken)
}

function allot(account: Account, run: string, { amount, last }: Holding): boolean {
  const { holders } = account
  const held = holders.get(run)?.amount ?? 0
  holders.delete(run)
  holders.set(run, { amount: held + amount, last })
  if (holders.size > BUDGET_HOLDERS_MAX) {
    for (const oldest of holders.keys()) {
      holders.delete(oldest)
      break
    }
  }
  return take(account, amount)
}

/** What a run that is not known gives back is lost; more than a run was given is no return. */
function giveBack(account: Account, run: string, amount: number): boolean {
  const held = account.holders.get(run)
  if (held === undefined) return true
  account.holders.delete(run)
  account.taken -= amount
  return amount <= held.amount
}

/** The number of the window a time lies in. */
export function windowAt(windowMs: number, at: number): number {
  return Math.floor(at / windowMs)
}

/** What can still be allotted of a limit, in a window where it has one. */
export function leftOf(budget: Budget, limit: Limit, window: number | undefined): number {
  if (budget.isBroken) return 0
  if (window !== undefined && window <= budget.windowFloor) return 0
  const { taken = 0 } = accountOf(budget, limit, window, false) ?? {}
  return Math.max(0, limit.max - taken)
}

/** What other runs than this one were allotted and may give back in part. */
export function heldByOthers(
  budget: Budget,
  limit: Limit,
  asked: { readonly window: number | undefined; readonly run: string },
): number {
  let held = 0
  for (const [run, { amount }] of accountOf(budget, limit, asked.window, false)?.holders ?? []) {
    if (run !== asked.run) held += amount
  }
  return held
}

/** What a run was allotted and has not given back, as far as it is remembered. */
export function slicesOf(budget: Budget, run: string): readonly Slice[] {
  const { grant, units, windows, limits } = budget
  const rate = limits.find(({ windowMs }) => windowMs !== null)
  const found: Slice[] = []
  for (const [unit, { holders }] of units) {
    const held = holders.get(run)
    if (held !== undefined) found.push({ grant, unit: unit as BudgetUnit, ...held })
  }
  for (const [window, { holders }] of windows) {
    const held = holders.get(run)
    if (held !== undefined && rate !== undefined) {
      found.push({ grant, unit: rate.unit, window, ...held })
    }
  }
  return found
}
