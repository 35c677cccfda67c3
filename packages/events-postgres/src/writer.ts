/**
 * One write transaction: lock the log, judge each unit on what the log and the units before it
 * have become, insert what fits, commit once.
 *
 *     guess   →  BEGIN · lock · compare and insert · COMMIT          one round trip
 *     locked  →  BEGIN · lock · heads (· clock)                      one round trip
 *             →  (blobs ·) insert (· places) · COMMIT                and another
 *
 * 1. The row of `log` is locked from the first to the last: nobody else moves anything meanwhile.
 *    What depends on the log is read by statements of their own behind it: under READ COMMITTED
 *    each sees what was committed before it began, which for the statement that waits for the lock
 *    would be too early.
 * 2. A group is first judged by the heads this process has last seen, without the lock, so that
 *    nobody waits for this process to think. The insertion compares them under the lock; when one
 *    has moved it does nothing, and the group is judged again, now behind the lock. A stream that
 *    a unit writes needs no comparing: if it has moved, its next version is taken, and the index of
 *    places refuses it. Each such refusal is a line in the server's log, so after one everything is
 *    compared for a while.
 *    Versions that were moved to the archive are in no index: so the insertion also compares how
 *    often something was moved. While that stays the same, what was appended since the heads were
 *    read is still there to be met. When it has changed, no head that was read before is trusted.
 * 3. A refusal concerns its own unit. An error of the server concerns all units of the transaction.
 * 4. As long as COMMIT has not been sent, a connection that breaks takes the transaction with it:
 *    nothing was kept. Once it has been sent, nobody knows, until `settle` has locked the log
 *    again: by then the old transaction, which held that lock, has come to its end, and either all
 *    of its events stand there by their ids, one behind the other, or it did not happen.
 */
import {
  BoundedMap,
  GROUP_BYTES_MAX,
  type GroupResult,
  HEADS_MAX,
  type Settlement,
} from '@ice/events/adapter'
import type { Clock } from '@ice/primitives'
import { Draft } from './draft.ts'
import { isTransient, SessionLost, sqlState } from './failure.ts'
import type { LogRow } from './format.ts'
import { changeOf } from './identity.ts'
import { type Judged, judgeUnit, lookupCall, outcomesOf } from './judged.ts'
import { type Absent, type Candidate, declaredBlobs, type Head, Ledger } from './ledger.ts'
import { WARY_GROUPS } from './limits.ts'
import { numbers, textLines } from './lists.ts'
import { type Answer, type Answers, rowsOf, type Session } from './session.ts'
import { appendSql, type Sql } from './sql.ts'

/** A transaction whose COMMIT was sent and not answered. */
interface Claim {
  readonly draft: Draft
  /** The first so many units of the group. */
  readonly judged: readonly Judged[]
  readonly found: Answer['rows']
}

/** The log is not the one that was opened: nothing may be written to it through this handle. */
class LogChanged {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** What a writer is made of. */
export interface WriterOptions {
  readonly schema: string
  /** As messages name it. */
  readonly log: string
  readonly row: LogRow
  readonly clock: Pick<Clock, 'now'> | undefined
  readonly connect: () => Promise<Session>
}

/** A group that has been judged and waits for its commit. */
interface Prepared {
  readonly ledger: Ledger
  readonly draft: Draft
  readonly judged: readonly Judged[]
  readonly isGuess: boolean
  /** Streams that must not have moved for the judgement to hold. */
  readonly basis: ReadonlySet<string>
}

/** Writes over one connection at a time, and makes a new one when it is lost. */
export class Writer {
  readonly #options: WriterOptions
  readonly #sql: Sql
  readonly #heads = new BoundedMap<string, Head>(HEADS_MAX)
  #session: Session | undefined
  /** Position of the last event this writer has seen committed. */
  #seen: number
  /** How often something had been moved when the heads were read. */
  #moved = 0
  /** Groups that are still to be compared in full. */
  #wary = 0

  constructor(options: WriterOptions, session?: Session) {
    this.#options = options
    this.#sql = appendSql(options.schema)
    this.#session = session
    this.#seen = options.row.position
  }

  /** Writes a group. */
  async write(group: readonly Candidate[]): Promise<GroupResult> {
    try {
      const guess = this.#guess(group)
      const session = await this.#connected()
      const written = guess === undefined ? undefined : await this.#commit(session, guess)
      return written ?? (await this.#writeLocked(session, group))
    } catch (error) {
      await this.#undo()
      if (error instanceof LogChanged) return { kind: 'lost', error: error.cause, fate: 'none' }
      return { kind: 'failed', error, mayRetry: isTransient(error) }
    }
  }

  /** `undefined` when too little is known, or when the answer has to be looked up anyway. */
  #guess(group: readonly Candidate[]): Prepared | undefined {
    const ledger = Ledger.guess(group, this.#heads)
    // A clock of the caller's can only be asked here, and a unit may wait long for the lock: its
    // `notAfter` is judged behind it. Without one the server compares its own, under the lock.
    const needsClock = group.some(({ unit }) => unit.notAfter !== undefined)
    if (ledger === undefined || (needsClock && this.#options.clock !== undefined)) return undefined
    const guess = prepare(group, { ledger, now: this.#options.clock?.now() ?? 0, isGuess: true })
    const needsMore = guess.draft.hasBlobs || guess.judged.some((one) => 'occupied' in one)
    return needsMore || guess.draft.isEmpty ? undefined : guess
  }

  async #writeLocked(session: Session, group: readonly Candidate[]): Promise<GroupResult> {
    const names = [...new Set(group.flatMap(({ note }) => note))]
    const { begin, lock, heads, clock, known } = this.#sql
    const declared = group.flatMap(({ unit }) => declaredBlobs(unit))
    const needsClock =
      this.#options.clock === undefined && group.some(({ unit }) => unit.notAfter !== undefined)
    const [began, locked, found, there, told] = await session.exchange([
      { statement: begin },
      { statement: lock },
      { statement: heads, values: [textLines(names)] },
      { statement: known, values: [textLines(declared)] },
      ...(needsClock ? [{ statement: clock }] : []),
    ])
    rowsOf(began)
    this.#check(rowsOf(locked)[0])
    const ledger = Ledger.read(names, rowsOf(found), rowsOf(there))
    const now = needsClock ? Number(rowsOf(told)[0]?.[0]) : (this.#options.clock?.now() ?? 0)
    const prepared = prepare(group, { ledger, now, isGuess: false })
    const written = await this.#commit(session, prepared)
    if (written !== undefined) return written
    throw new LogChanged(new TypeError('the log moved although it was locked'))
  }

  async #connected(): Promise<Session> {
    if (this.#session?.isLost === false) return this.#session
    this.#session = undefined
    this.#session = await this.#options.connect()
    return this.#session
  }

  /** @throws {LogChanged} when the log is not the one that was opened */
  #check(row: readonly unknown[] | undefined): void {
    const { log } = this.#options
    const { incarnation } = this.#options.row
    const change = changeOf(row, { log, incarnation, seen: this.#seen })
    if (change !== undefined) throw new LogChanged(change)
    this.#seen = Number(row?.[0])
    const moved = Number(row?.[4])
    if (moved === this.#moved) return
    this.#heads.clear()
    this.#moved = moved
  }

  async #undo(): Promise<void> {
    const session = this.#session
    if (session === undefined || session.isLost) return
    const [answer] = await session.exchange([{ statement: this.#sql.rollback }])
    if (answer?.status !== 'fulfilled') session.destroy('a transaction could not be undone')
  }

  /** Sends all of a transaction that is left. `undefined`: a guess was wrong, nothing was kept. */
  async #commit(session: Session, prepared: Prepared): Promise<GroupResult | undefined> {
    const { draft, judged, isGuess } = prepared
    const { begin, lock, commit, rollback } = this.#sql
    const lookup = lookupCall(judged, this.#sql)
    const { incarnation } = this.#options.row
    const insert = draft.isEmpty
      ? []
      : draft.calls(this.#sql, {
          seen: this.#seen,
          incarnation,
          moved: this.#moved,
          absent: this.#absent(prepared),
          asksClock: isGuess && this.#options.clock === undefined,
          now: this.#options.clock?.now(),
        })
    const answers = await session.exchange([
      ...(isGuess ? [{ statement: begin }, { statement: lock }] : []),
      ...insert,
      ...(lookup === undefined ? [] : [lookup]),
      { statement: draft.isEmpty ? rollback : commit },
    ])
    const inserted = draft.isEmpty ? undefined : answers[(isGuess ? 2 : 0) + insert.length - 1]
    return this.#conclude(prepared, {
      answers,
      inserted,
      looked: lookup === undefined ? undefined : answers.at(-2),
    })
  }

  #absent({ ledger, basis, isGuess }: Prepared): Absent {
    if (!isGuess) return ledger.absent([])
    this.#wary = Math.max(0, this.#wary - 1)
    return ledger.absent(this.#wary > 0 ? ledger.names : basis)
  }

  #conclude(prepared: Prepared, { answers, inserted, looked }: Told): GroupResult | undefined {
    const { draft, judged } = prepared
    const last = answers.at(-1)
    const failed = answers.find(({ status }) => status === 'rejected')
    const found = looked?.status === 'fulfilled' ? looked.value.rows : []
    if (last?.status === 'rejected' && !draft.isEmpty) {
      this.#forget(prepared)
      return this.#unknown(last.reason, { draft, judged, found })
    }
    const isCommitted = last?.status === 'fulfilled' && last.value.command === 'COMMIT'
    if (failed?.status === 'rejected' && !isCommitted) {
      if (prepared.isGuess && sqlState(failed.reason) === TAKEN) {
        this.#wary = WARY_GROUPS
        return undefined
      }
      return { kind: 'failed', error: failed.reason, mayRetry: isTransient(failed.reason) }
    }
    if (draft.isEmpty) {
      this.#remember(prepared, 0)
      return { kind: 'done', outcomes: outcomesOf(judged, found, 0), grown: false }
    }
    const [row] = inserted?.status === 'fulfilled' ? inserted.value.rows : []
    if (row === undefined) return undefined
    this.#seen = Number(row[0])
    this.#remember(prepared, Number(row[1]))
    const base = this.#seen - draft.hashes.length
    return { kind: 'done', outcomes: outcomesOf(judged, found, base), grown: true }
  }

  #remember({ ledger, draft }: Prepared, streams: number): void {
    for (const [name, { id, version, time }] of ledger.entries()) {
      this.#heads.set(name, { id: draft.numberOf(id, streams), version, time })
    }
  }

  #forget({ ledger }: Prepared): void {
    for (const name of ledger.names) this.#heads.delete(name)
  }

  #unknown(error: unknown, claim: Claim): GroupResult {
    return {
      kind: 'unknown',
      error,
      fates: claim.judged.map((one) => ('refused' in one ? 'none' : 'unknown')),
      settle: () => this.#settle(claim),
    }
  }

  /** Finds out whether a transaction happened. */
  async #settle(claim: Claim): Promise<Settlement> {
    try {
      return await this.#lookAgain(claim)
    } catch (error) {
      if (error instanceof LogChanged) return { kind: 'lost', error: error.cause }
      return { kind: 'unknown', error, mayRetry: isTransient(error) }
    } finally {
      await this.#undo()
    }
  }

  async #lookAgain({ draft, judged, found }: Claim): Promise<Settlement> {
    const session = await this.#connected()
    const { begin, lock, hashes, gone } = this.#sql
    const values = [textLines(draft.streams), numbers(draft.versions)]
    const [began, locked, stand, moved] = await session.exchange([
      { statement: begin },
      { statement: lock },
      { statement: hashes, values },
      { statement: gone, values },
    ])
    rowsOf(began)
    this.#check(rowsOf(locked)[0])
    const rows = rowsOf(stand)
    if (rowsOf(moved).length > 0) {
      // Its bytes would tell, and only the archive has them: an expected version finds them there.
      const error = new SessionLost('what stood there has been moved to the archive meanwhile')
      return { kind: 'unknown', error, mayRetry: false }
    }
    const base = Number(rows[0]?.[0]) - 1
    const isKept =
      rows.length === draft.hashes.length &&
      rows.every(([position, h], i) => h === draft.hashes[i] && position === base + 1 + i)
    return isKept ? { kind: 'kept', outcomes: outcomesOf(judged, found, base) } : { kind: 'absent' }
  }

  /** Tells whoever listens; that this is lost changes nothing but when they look. */
  async notify(channel: string): Promise<void> {
    const session = this.#session
    if (session === undefined || session.isLost) return
    await session.exchange([
      { statement: { name: 'ice_notify', text: "SELECT pg_notify($1, '')" }, values: [channel] },
    ])
  }

  async close(): Promise<void> {
    await this.#session?.close()
  }
}

/** The state of a place or a name that is taken. */
const TAKEN = '23505'

/** What the server said of a transaction. */
interface Told {
  readonly answers: Answers
  readonly inserted: Answers[number] | undefined
  readonly looked: Answers[number] | undefined
}

function prepare(
  group: readonly Candidate[],
  { ledger, now, isGuess }: { ledger: Ledger; now: number; isGuess: boolean },
): Prepared {
  const draft = new Draft()
  const judged: Judged[] = []
  const basis = new Set<string>()
  for (const { unit, note } of group) {
    const one = judgeUnit(unit, { ledger, draft, now })
    judged.push(one)
    addBasis(basis, { unit, note }, 'kept' in one)
    if (draft.size >= GROUP_BYTES_MAX) break
  }
  return { ledger, draft, judged, isGuess, basis }
}

/** What a judgement rests on: of a unit that fits its guards, of another all it was judged by. */
function addBasis(basis: Set<string>, { unit, note }: Candidate, fits: boolean): void {
  if (fits && unit.guards === undefined) return
  const guarded = new Set<string>(unit.guards?.map(({ stream }) => stream))
  for (const name of note) if (!fits || guarded.has(name)) basis.add(name)
}
