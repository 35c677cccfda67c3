/**
 * Processors: effects on a store of one's own, each event once.
 *
 *     checkpoint ──> events behind it ──> transaction { effects, checkpoint }
 *
 * 1. The effects of some events and the checkpoint behind them are one transaction: a process may
 *    die at any point, and what it did is either there with its checkpoint or not there.
 * 2. A checkpoint is moved only from where it was seen. Of two processors of one name one goes on,
 *    the other ends with `ICE_EVENTS_CHECKPOINT_CONFLICT`.
 * 3. A checkpoint names the history it was made in, and the event it stands at. In another history
 *    (a restored backup) a processor stops: what it has done may not have happened there.
 *
 * The trap: an effect that is not in the store's transaction (a mail, a request) is not once. Let
 * the processor write that it is due, and a run perform it.
 */

import type { Hash } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventLog, RecordedEvent } from '../ports.ts'
import { checkProcessorKey, leafAt } from './checks.ts'
import { foldFailure } from './fold-one.ts'
import { Follower } from './follower.ts'
import { CHECKPOINT_IDLE_EVENTS, PROCESSOR_BATCH_EVENTS } from './limits.ts'
import type { Checkpoint, ProcessorKey, ProcessorStore, RunningProcessor } from './ports.ts'
import { type Stretch, tail } from './tail.ts'

/** What has effects of events. */
export interface Processor<Tx> extends ProcessorKey {
  /** The only types it looks at, where it says so: others are not even read. */
  readonly types?: readonly string[]
  /**
   * Writes the effects of one event with `transaction` and with nothing else. Events come in the
   * order of positions; after a failure the ones since the last checkpoint come again, their
   * effects undone.
   */
  process(event: RecordedEvent, transaction: Tx): void | Promise<void>
}

/** What a processor runs on. */
export interface ProcessorInit<Tx> {
  readonly log: EventLog
  readonly store: ProcessorStore<Tx>
  readonly processor: Processor<Tx>
  /** Events whose effects share a transaction, at most. @defaultValue 512 */
  readonly batchMax?: number
  /** Stops it, as `stop` does. */
  readonly signal?: AbortSignal
}

/**
 * Runs a processor from its checkpoint, or from the first event, until it is stopped or fails.
 *
 * @throws `ICE_EVENTS_INCARNATION_CONFLICT` when the checkpoint is of another history,
 * `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_DECLARATION_UNSUPPORTED` for async work on a
 * store that takes none, and what both stores throw; what happens later is its `failure`
 */
export async function runProcessor<Tx>(init: ProcessorInit<Tx>): Promise<RunningProcessor> {
  const { log, store, processor, signal } = init
  const { name, version } = processor
  checkProcessorKey({ name, version })
  checkWork(init)
  const from = await store.checkpoint({ name, version })
  if (from !== undefined) await checkHistory(log, processor, from)
  const running = new Running(init, from)
  running.begin(signal)
  return running
}

/** An async function in a synchronous transaction would write on after its end. */
function checkWork<Tx>({ store, processor }: ProcessorInit<Tx>): void {
  const isAsync = Object.prototype.toString.call(processor.process) === '[object AsyncFunction]'
  if (!isAsync || store.supports.asyncWork) return
  throw new EventsError(
    EVENTS_CODES.declaration,
    `Processor ${processor.name} is asynchronous, and its store has synchronous transactions`,
    { name: processor.name },
  )
}

/** @throws `ICE_EVENTS_INCARNATION_CONFLICT` */
async function checkHistory(
  { store }: EventLog,
  { name, version }: ProcessorKey,
  { position, incarnation, hash }: Checkpoint,
): Promise<void> {
  const isSame = incarnation === store.incarnation
  if (isSame && (await leafAt(store, 'log', position)) === hash) return
  const why = isSame
    ? `the log has another event at ${position} now, or has not come as far`
    : 'the log is of another incarnation now: it was restored from a backup'
  throw new EventsError(
    EVENTS_CODES.incarnationConflict,
    `Processor ${name}@${version} stands at ${position} of another history: ${why}. Its effects ` +
      'may be of events that never happened here: build it anew under another version.',
    { name, version, position, checkpoint: incarnation, log: store.incarnation },
  )
}

class Running<Tx> extends Follower implements RunningProcessor {
  readonly #init: ProcessorInit<Tx>
  readonly #key: ProcessorKey
  #kept: Checkpoint | undefined
  /** Transactions run one after the other, whoever asks for them. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(init: ProcessorInit<Tx>, from: Checkpoint | undefined) {
    const { name, version } = init.processor
    super(init.log, `${name}@${version}`)
    this.#init = init
    this.#key = { name, version }
    this.#kept = from
    if (from !== undefined) this.moveTo(from.position)
  }

  checkpoint(): Promise<void> {
    return this.#inTurn(async () => {
      const { at } = this
      if (at > (this.#kept?.position ?? 0)) await this.#transact([], { upTo: at, hash: undefined })
    })
  }

  protected async follow(): Promise<void> {
    const { log, processor } = this.#init
    const query = { after: this.at, types: processor.types, signal: this.stopSignal }
    for await (const stretch of tail(log, query)) await this.#take(stretch)
    await this.checkpoint()
  }

  async #take({ events, upTo, hash }: Stretch): Promise<void> {
    const { batchMax = PROCESSOR_BATCH_EVENTS } = this.#init
    for (let i = 0; i < events.length; i += batchMax) {
      if (this.stopSignal.aborted) return
      const batch = events.slice(i, i + batchMax)
      const last = batch.at(-1)
      const isWhole = last === undefined || i + batchMax >= events.length
      const end = isWhole ? { upTo, hash } : { upTo: last.position, hash: last.hash }
      await this.#inTurn(() => this.#transact(batch, end))
      this.moveTo(end.upTo)
    }
    if (events.length > 0) return
    const idle = upTo - (this.#kept?.position ?? 0)
    if (idle >= CHECKPOINT_IDLE_EVENTS) await this.#inTurn(() => this.#transact([], { upTo, hash }))
    this.moveTo(upTo)
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(act)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async #transact(
    events: readonly RecordedEvent[],
    end: { readonly upTo: number; readonly hash: Hash | undefined },
  ): Promise<void> {
    const { log, store, processor } = this.#init
    const hash = end.hash ?? (await leafAt(log.store, 'log', end.upTo))
    if (hash === undefined) throw lost(end.upTo)
    const to: Checkpoint = { position: end.upTo, incarnation: log.store.incarnation, hash }
    const move = { processor: this.#key, from: this.#kept, to }
    await store.transact(move, (transaction) => processAll(processor, events, transaction))
    this.#kept = to
  }
}

/** Synchronous as long as the work is: a synchronous transaction must not see a promise. */
function processAll<Tx>(
  processor: Processor<Tx>,
  events: readonly RecordedEvent[],
  transaction: Tx,
): void | Promise<void> {
  for (const [i, event] of events.entries()) {
    const pending = processOne(processor, event, transaction)
    if (pending !== undefined)
      return processRest(processor, events.slice(i + 1), transaction, pending)
  }
}

function processOne<Tx>(
  processor: Processor<Tx>,
  event: RecordedEvent,
  transaction: Tx,
): Promise<void> | undefined {
  const failed = (cause: unknown): never => {
    throw foldFailure(processor.name, event, cause)
  }
  let given: unknown
  try {
    given = processor.process(event, transaction)
  } catch (cause) {
    failed(cause)
  }
  return isPromise(given) ? Promise.resolve(given).catch(failed) : undefined
}

/** `(event, db) => insert.run(…)` gives something, and means nothing by it. */
function isPromise(given: unknown): given is PromiseLike<void> {
  return typeof (given as PromiseLike<void> | null | undefined)?.then === 'function'
}

async function processRest<Tx>(
  processor: Processor<Tx>,
  events: readonly RecordedEvent[],
  transaction: Tx,
  pending: Promise<void>,
): Promise<void> {
  await pending
  for (const event of events) await processOne(processor, event, transaction)
}

function lost(position: number): EventsError {
  return new EventsError(EVENTS_CODES.corrupt, `The log has no event at ${position} any more`, {
    position,
  })
}
