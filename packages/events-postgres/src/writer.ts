/**
 * One write transaction: lock the log, judge each unit on what the log and the units before it
 * have become, insert what fits, commit once.
 *
 *     →  BEGIN · lock · heads (· clock)                    one round trip
 *     →  (blobs ·) insert (· places) · COMMIT              one round trip
 *
 * 1. The row of `log` is locked from the first to the last: nobody else moves anything meanwhile.
 *    Heads and clock are read by statements of their own behind it: under READ COMMITTED each sees
 *    what was committed before it began, which for the statement that waits for the lock would be
 *    too early.
 * 2. A refusal concerns its own unit. An error of the server concerns all units of the transaction.
 * 3. As long as COMMIT has not been sent, a connection that breaks takes the transaction with it:
 *    nothing was kept. Once it has been sent, nobody knows, until `settle` has locked the log
 *    again: by then the old transaction, which held that lock, has come to its end, and either the
 *    positions it was going to fill hold exactly its events, or it did not happen.
 */
import {
  type Appended,
  type EventsError,
  judge,
  type PreparedUnit,
  retryAnswer,
  type StoredEvent,
  type StoredLookup,
} from '@ice/events'
import type { Clock, Hash, Position } from '@ice/primitives'
import { Draft, type LogEnd } from './draft.ts'
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { isTransient } from './failure.ts'
import { FORMAT, type LogRow, unsupportedFormat } from './format.ts'
import { Ledger } from './ledger.ts'
import { GROUP_BYTES_MAX } from './limits.ts'
import { type Answer, type Answers, type Call, rowsOf, type Session } from './session.ts'
import { appendSql, numbers, type Sql, textLines } from './sql.ts'

/** A unit, and the streams it is judged by. */
export interface Candidate {
  readonly unit: PreparedUnit
  readonly streams: readonly string[]
}

/** What became of one unit, once its transaction has committed. */
export type Outcome = { readonly appended: Appended } | { readonly refused: unknown }

/** A transaction whose COMMIT was sent and not answered. */
export interface Claim {
  /** Position before its first event. */
  readonly after: number
  readonly hashes: readonly string[]
  /** Of the first so many units of the group. */
  readonly outcomes: readonly Outcome[]
}

/** What became of a group. */
export type Written =
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[]; readonly grown: boolean }
  /** Nothing was kept. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly mayRetry: boolean }
  | { readonly kind: 'unknown'; readonly error: unknown; readonly claim: Claim }

/** The log is not the one that was opened: nothing may be written to it through this handle. */
export class LogChanged {
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

/** Its places are taken: the answer depends on what stands there. */
interface Occupied {
  readonly occupied: PreparedUnit
  readonly conflict: EventsError
}

type Judged = Outcome | Occupied

/** Writes over one connection at a time, and makes a new one when it is lost. */
export class Writer {
  readonly #options: WriterOptions
  readonly #sql: Sql
  #session: Session | undefined
  /** Position of the last event this writer has seen committed. */
  #seen: number

  constructor(options: WriterOptions, session?: Session) {
    this.#options = options
    this.#sql = appendSql(options.schema)
    this.#session = session
    this.#seen = options.row.position
  }

  /**
   * Writes a group; the outcomes are those of its first units, at least of one.
   *
   * @throws {LogChanged}
   */
  async write(group: readonly Candidate[]): Promise<Written> {
    let opened: Opened
    try {
      opened = await this.#open(group)
    } catch (error) {
      return this.#failed(error)
    }
    const { session, ledger, end, now } = opened
    const draft = new Draft(ledger, end)
    const judged: Judged[] = []
    for (const { unit } of group) {
      judged.push(judgeOne(unit, { ledger, draft, now }))
      if (draft.size >= GROUP_BYTES_MAX) break
    }
    const lookup = lookupCall(judged, this.#sql)
    const answers = await session.exchange([
      ...(draft.isEmpty ? [] : draft.calls(this.#sql)),
      ...(lookup === undefined ? [] : [lookup]),
      { statement: draft.isEmpty ? this.#sql.rollback : this.#sql.commit },
    ])
    return this.#conclude(answers, { judged, draft, end, hasLookup: lookup !== undefined })
  }

  async #open(group: readonly Candidate[]): Promise<Opened> {
    const session = await this.#connected()
    const names = [...new Set(group.flatMap(({ streams }) => streams))]
    const { begin, lock, heads, clock } = this.#sql
    const needsClock =
      this.#options.clock === undefined && group.some(({ unit }) => unit.notAfter !== undefined)
    const [began, locked, found, told] = await session.exchange([
      { statement: begin },
      { statement: lock },
      { statement: heads, values: [textLines(names)] },
      ...(needsClock ? [{ statement: clock }] : []),
    ])
    rowsOf(began)
    const end = this.#checked(rowsOf(locked)[0])
    const ledger = new Ledger(names, rowsOf(found))
    const now = needsClock ? Number(rowsOf(told)[0]?.[0]) : (this.#options.clock?.now() ?? 0)
    return { session, ledger, end, now }
  }

  async #connected(): Promise<Session> {
    if (this.#session?.isLost === false) return this.#session
    this.#session = undefined
    this.#session = await this.#options.connect()
    return this.#session
  }

  /** @throws {LogChanged} when the log is not the one that was opened */
  #checked(row: readonly unknown[] | undefined): LogEnd {
    const { log } = this.#options
    const [position, streams, format, incarnation] = row ?? []
    if (format !== FORMAT.version && typeof format === 'number') {
      throw new LogChanged(unsupportedFormat(log, format, FORMAT.version))
    }
    if (incarnation !== this.#options.row.incarnation || Number(position) < this.#seen) {
      throw new LogChanged(
        new EventsPostgresError(
          EVENTS_POSTGRES_CODES.rewound,
          `${log} is not the log that was opened: it ends at ${String(position)}, and has had ` +
            `${this.#seen} events. A backup was restored, or a replica took over that lagged. ` +
            'Open it again, and treat what was under way as in doubt.',
          { log, seen: this.#seen, incarnation: String(incarnation) },
        ),
      )
    }
    this.#seen = Number(position)
    return { position: this.#seen, streams: Number(streams) }
  }

  async #failed(error: unknown): Promise<Written> {
    await this.#undo()
    if (error instanceof LogChanged) throw error
    return { kind: 'failed', error, mayRetry: isTransient(error) }
  }

  async #undo(): Promise<void> {
    const session = this.#session
    if (session === undefined || session.isLost) return
    const [answer] = await session.exchange([{ statement: this.#sql.rollback }])
    if (answer?.status !== 'fulfilled') session.destroy('a transaction could not be undone')
  }

  #conclude(answers: Answers, { judged, draft, end, hasLookup }: Concluded): Written {
    const last = answers.at(-1)
    const failed = answers.find(({ status }) => status === 'rejected')
    const isCommitted = last?.status === 'fulfilled' && last.value.command === 'COMMIT'
    const mayBeCommitted = !draft.isEmpty && last?.status === 'rejected'
    const error: unknown = failed?.status === 'rejected' ? failed.reason : undefined
    if (isCommitted || (draft.isEmpty && failed === undefined)) {
      const found = hasLookup ? rowsOf(answers.at(-2)) : []
      this.#seen = draft.position
      return { kind: 'done', outcomes: outcomesOf(judged, found), grown: !draft.isEmpty }
    }
    if (!mayBeCommitted) {
      return { kind: 'failed', error, mayRetry: isTransient(error) }
    }
    const lookup = hasLookup ? answers.at(-2) : undefined
    const found = lookup?.status === 'fulfilled' ? lookup.value.rows : []
    const outcomes = outcomesOf(judged, found)
    return {
      kind: 'unknown',
      error,
      claim: { after: end.position, hashes: draft.hashes, outcomes },
    }
  }

  /**
   * Finds out whether a transaction happened.
   *
   * @throws {LogChanged}, or what the server or the network reports: then it is still unknown
   */
  async settle({ after, hashes }: Claim): Promise<'kept' | 'not_kept'> {
    const session = await this.#connected()
    const { begin, lock, hashes: select } = this.#sql
    try {
      const [began, locked, found] = await session.exchange([
        { statement: begin },
        { statement: lock },
        { statement: select, values: [after, after + hashes.length] },
      ])
      rowsOf(began)
      this.#checked(rowsOf(locked)[0])
      const rows = rowsOf(found)
      const isKept = rows.length === hashes.length && rows.every(([, h], i) => h === hashes[i])
      return isKept ? 'kept' : 'not_kept'
    } finally {
      await this.#undo()
    }
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

interface Opened {
  readonly session: Session
  readonly ledger: Ledger
  readonly end: LogEnd
  /** @units epoch milliseconds */
  readonly now: number
}

interface Concluded {
  readonly judged: readonly Judged[]
  readonly draft: Draft
  readonly end: LogEnd
  readonly hasLookup: boolean
}

function judgeOne(
  unit: PreparedUnit,
  { ledger, draft, now }: { ledger: Ledger; draft: Draft; now: number },
): Judged {
  try {
    const judged = judge(unit, ledger, now)
    if (judged.kind === 'fits') return { appended: draft.keep(unit, judged.writes) }
    if (judged.kind === 'refused') return { refused: judged.error }
    return { occupied: unit, conflict: judged.conflict }
  } catch (error) {
    return { refused: error }
  }
}

function occupiedOf(judged: readonly Judged[]): readonly PreparedUnit[] {
  return judged.flatMap((one) => ('occupied' in one ? [one.occupied] : []))
}

function placesOf(units: readonly PreparedUnit[]): { stream: string; from: number; to: number }[] {
  return units.flatMap(({ writes }) =>
    writes.map(({ stream, expectedVersion, events }) => {
      const from = typeof expectedVersion === 'number' ? expectedVersion : 0
      return { stream, from, to: from + events.length }
    }),
  )
}

/** Asks for what stands where units wanted to stand; once inserted, those of this group too. */
function lookupCall(judged: readonly Judged[], { places }: Sql): Call | undefined {
  const wanted = placesOf(occupiedOf(judged))
  if (wanted.length === 0) return undefined
  const values = [
    textLines(wanted.map(({ stream }) => stream)),
    numbers(wanted.map(({ from }) => from)),
    numbers(wanted.map(({ to }) => to)),
  ]
  return { statement: places, values }
}

/** @param found - index of the place, version, position, bytes */
function outcomesOf(judged: readonly Judged[], found: Answer['rows']): Outcome[] {
  const wanted = placesOf(occupiedOf(judged))
  const stored = new Map<string, StoredEvent>()
  for (const [index, version, position, bytes] of found) {
    const stream = wanted[Number(index) - 1]?.stream ?? ''
    stored.set(`${stream}@${String(version)}`, {
      position: position as Position,
      bytes: String(bytes),
      hash: '' as Hash,
    })
  }
  const lookup: StoredLookup = (stream, version) => stored.get(`${stream}@${version}`)
  return judged.map((one) => ('occupied' in one ? answerOf(one, lookup) : one))
}

/** By now the group is committed: whatever is thrown here must concern this unit alone. */
function answerOf({ occupied, conflict }: Occupied, lookup: StoredLookup): Outcome {
  try {
    const answer = retryAnswer(occupied, lookup)
    return answer === undefined ? { refused: conflict } : { appended: answer }
  } catch (error) {
    return { refused: error }
  }
}
