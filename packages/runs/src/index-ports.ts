/**
 * The ports of the index of runs: types only.
 *
 * Two interfaces with one boundary between them. `RunRows` is what an adapter keeps: rows, and how
 * far in the log they come. `RunIndex` is what everybody asks: it follows the log, folds it into
 * rows, and answers from them.
 *
 * The index is disposable: it is folded from the log alone, and rebuilt where it is missing, or of
 * another incarnation. Nothing that is recorded is decided on it. A row that is late makes a
 * worker late; that a run is taken by one worker only is decided by the run's own stream.
 */

import type { OwnerId, RunId, Timestamp } from '@ice/primitives'
import type { RunState } from './ports.ts'

/**
 * What is to be done about a run: `ready`, somebody should drive it; `asleep`, it is suspended;
 * `held`, its owner drives it, or did until it died; `quarantined`, a person has to release it;
 * `ended`, nothing.
 */
export type Standing = 'ready' | 'asleep' | 'held' | 'quarantined' | 'ended'

/** What a suspended run listens for, beside answers. */
export type Listening =
  | { readonly step: string; readonly signal: string }
  | { readonly step: string; readonly child: RunId }
  | {
      readonly step: string
      readonly types: readonly string[]
      readonly streamPrefix: string
      /** From which position on. */
      readonly after: number
    }

/** One run, as far as it matters who drives it, and when. */
export interface RunRow {
  readonly run: RunId
  readonly program: { readonly name: string; readonly version: string }
  readonly state: RunState
  readonly standing: Standing
  readonly owner: OwnerId
  /** `'default'` where its start named none. */
  readonly queue: string
  readonly concurrencyKey: string | null
  readonly priority: number
  readonly parent: RunId | null
  /** The first run of its line: itself, unless it goes on for another. */
  readonly line: RunId
  /** The run that goes on for it. */
  readonly continuedAs: RunId | null
  readonly key: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly createdAt: Timestamp
  /** When it came to its standing, and by the event at which position. */
  readonly since: Timestamp
  readonly at: number
  /** Of one that is asleep: when it is due; `null`: never by itself. */
  readonly until: Timestamp | null
  readonly deadline: Timestamp | null
  /** Somebody has asked for its abort. */
  readonly aborting: boolean
  /** Effects in doubt of which nobody has said yet what became of them. */
  readonly doubts: readonly string[]
  readonly listens: readonly Listening[]
  /** Owners that died on it one after another, since it was last asleep or released. */
  readonly crashes: number
  /** Version of the first takeover that `crashes` counts; 0: none. */
  readonly crashedAt: number
}

/** How far in which history the rows come. */
export interface IndexMark {
  readonly incarnation: string
  /** Position of the last event that is folded in; 0: none. */
  readonly position: number
}

/** A step of the rows from one mark to the next. */
export interface RowsMove {
  /** Where they have to stand; `null`: they are new. */
  readonly from: IndexMark | null
  readonly to: IndexMark
  /** Rows that are new or other than before, each run once. */
  readonly rows: readonly RunRow[]
  /** Throw away what there is, first. @defaultValue false */
  readonly reset?: boolean
}

/** Which runs. Conditions are joined by AND; a list means any of it. */
export interface RunFilter {
  readonly runs?: readonly RunId[]
  /** Runs of the lines that began with these. */
  readonly lines?: readonly RunId[]
  readonly states?: readonly RunState[]
  readonly standings?: readonly Standing[]
  /** By the name of their program. */
  readonly programs?: readonly string[]
  readonly queues?: readonly string[]
  /** With all of these tags. */
  readonly tags?: Readonly<Record<string, string>>
  readonly key?: string
  readonly parent?: RunId
  readonly owner?: OwnerId
  /** With an effect in doubt. */
  readonly inDoubt?: boolean
  /** Asleep, and listening for events of this type. */
  readonly listensFor?: string
  /** Created at this time or later. */
  readonly from?: Timestamp
  /** Created before this time. */
  readonly before?: Timestamp
  /** Not ended, not asked to abort, and to be over before this time. */
  readonly deadlineBefore?: Timestamp
}

/** A page of runs in the order of their ids, which is that of their creation. */
export interface RunPageQuery extends RunFilter {
  /** Only runs behind this one, in the order that is asked for. */
  readonly after?: RunId
  /** Newest first. @defaultValue false */
  readonly backwards?: boolean
  /** From 1 to 1,000. @defaultValue 100 */
  readonly limit?: number
}

/** A program in the versions that can be driven here. */
export interface DrivenProgram {
  readonly name: string
  readonly version: string
}

/** Which ready runs. */
export interface ReadyQuery {
  /** What is asleep and due by then is ready. */
  readonly now: Timestamp
  readonly programs: readonly DrivenProgram[]
  /** @defaultValue all */
  readonly queues?: readonly string[]
  /** Runs with one of these keys are passed over. */
  readonly keysBusy?: readonly string[]
  /** These runs are passed over. */
  readonly except?: readonly RunId[]
  /** At most so many of each queue, from 1 to 1,000. */
  readonly perQueue: number
}

/** What lies ahead: all of it is read from the front of an index, however many runs there are. */
export interface Outlook {
  /** The next time, after the one that was told, at which a sleeper is due; `null`: none is. */
  readonly nextDue: Timestamp | null
  /** The next deadline of a run that is not ended and not asked to abort. */
  readonly nextDeadline: Timestamp | null
  /** Who holds runs. */
  readonly owners: readonly OwnerId[]
  /** Types of events that somebody who is asleep listens for. */
  readonly listenedFor: readonly string[]
}

/** How many runs of one queue are how. */
export interface QueueCount {
  readonly queue: string
  readonly standing: Standing
  readonly runs: number
  readonly inDoubt: number
  /** Those of them that are asleep, and whose time has come. */
  readonly due: number
  /** The oldest time at which one of them came to its standing. */
  readonly oldest: Timestamp
}

/** Keeps rows. Implementations pass `runRowsCases` of `@ice/runs/contract`. */
export interface RunRows {
  readonly supports: {
    /** Rows outlive `close`. */
    readonly durable: boolean
    /** Other processes may use them at the same time. */
    readonly sharedByProcesses: boolean
  }
  /** Where the rows stand; `null`: there are none, or none that this program can read. */
  mark(): Promise<IndexMark | null>
  /**
   * Moves the rows on: all of it, or nothing.
   * @throws `ICE_RUNS_INDEX_CONFLICT` — they stand somewhere else: somebody has moved them
   */
  move(move: RowsMove): Promise<void>
  /** A page of rows. @throws `ICE_RUNS_INDEX_UNSUPPORTED` for a limit that is none */
  find(query: RunPageQuery): Promise<readonly RunRow[]>
  /**
   * Of each queue the first ready runs: by priority, the greatest first, then by how long they
   * are ready, then by id. One that is due is ready since it is due.
   */
  ready(query: ReadyQuery): Promise<readonly RunRow[]>
  outlook(now: Timestamp): Promise<Outlook>
  /** Counts of all queues, as of this time. It looks at every row that is not ended. */
  counts(now: Timestamp): Promise<readonly QueueCount[]>
  close(): Promise<void>
}

/** The index of the runs of one log. */
export interface RunIndex extends Pick<RunRows, 'counts' | 'find' | 'outlook' | 'ready'> {
  /**
   * Takes in what the log has more than the rows, up to its head.
   * @returns what the index now stands for
   * @throws what the log and the rows throw
   */
  catchUp(options?: { readonly signal?: AbortSignal }): Promise<IndexMark>
  /** Events of the log that are not taken in yet, as the last look found it. */
  lag(): Promise<number>
  close(): Promise<void>
}

/** What a run needs before it is driven, beside a worker. */
export interface TurnRequest {
  readonly run: RunId
  readonly owner: OwnerId
  readonly queue: string
  /** At most so many runs of the queue at once, over all workers. */
  readonly queueMax: number | null
  readonly key: string | null
  /** At most so many runs with the key at once. */
  readonly keyMax: number
  /** At most so many starts of the queue in any window of so long. */
  readonly rate: { readonly count: number; readonly perMs: number } | null
}

/** Whether a run has its turn. */
export type Turn =
  | { readonly kind: 'taken' }
  /** Another owner has the turn of this very run. */
  | { readonly kind: 'run' }
  | { readonly kind: 'key' }
  | { readonly kind: 'queue' }
  | { readonly kind: 'rate'; readonly until: Timestamp }

/**
 * Who has which turn: concurrency keys, bounds and rates of queues, over all workers that share
 * it. Coordination state: that a run is driven by one worker only does not rest on it.
 */
export interface Turns {
  /** Takes a turn, or says what stands in the way. A run that has its turn is given it again. */
  take(request: TurnRequest): Promise<Turn>
  /** Gives a turn back. One that is not there is no error. */
  give(run: RunId, owner: OwnerId): Promise<void>
  /** Gives back all turns of an owner that is dead. */
  drop(owner: OwnerId): Promise<void>
  /** Owners that have turns. */
  owners(): Promise<readonly OwnerId[]>
  close(): Promise<void>
}
