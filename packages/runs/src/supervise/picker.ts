/**
 * Which of the runs that can be driven are driven next: the queue by fair shares, within a queue
 * the greatest priority, then the oldest; and each only when it has its turn.
 *
 * A turn that is refused holds back its key, or its queue, for a moment, and no other run.
 *
 * The trap this closes: a turn that was taken, and whose taker was not told; or that was given
 * back, and did not arrive. Its owner lives, so nobody drops it, and what it holds is full for as
 * long as that process is there. Each is given back until it is known that it is.
 */

import type { RunId, Timestamp } from '@ice/primitives'
import type { DrivenProgram, RunRow } from '../index-ports.ts'
import { INDEX_PAGE_ROWS, TURN_INTERVAL_MS } from '../limits.ts'
import { programKey } from '../versions.ts'
import type { QueueTerms, SupervisedProgram, SupervisorInit } from './ports.ts'
import { Shares } from './shares.ts'

/** What is picked from, and for. */
export interface Picking {
  /** What is due by then is ready. */
  readonly now: Timestamp
  /** How many may be picked. */
  readonly free: number
  /** Runs that are not ready by the index, and can be driven all the same. */
  readonly others: readonly RunRow[]
  readonly except: readonly RunId[]
  /** What is driven now. */
  readonly running: readonly RunRow[]
}

type PickerInit = Pick<
  SupervisorInit,
  'clock' | 'index' | 'only' | 'ownership' | 'programs' | 'queues' | 'turns'
>

/** More rounds would only find more runs of keys that are busy. */
const ROUNDS_MAX = 8

/** Picks runs. */
export class Picker {
  readonly #init: PickerInit
  readonly #shares: Shares
  /** The versions that are driven, each once. */
  readonly #driven: readonly DrivenProgram[]
  /** Keys and queues that were refused, and until when nobody asks again. */
  readonly #busyKeys = new Map<string, number>()
  readonly #busyQueues = new Map<string, number>()
  /** Runs that are not driven, and may have their turn all the same. */
  readonly #unsure = new Map<RunId, RunRow>()

  constructor(init: PickerInit) {
    this.#init = init
    this.#driven = drivenBy(init.programs)
    this.#shares = new Shares((queue) => this.#terms(queue).weight ?? 1)
  }

  #terms(queue: string): QueueTerms {
    const { queues = {} } = this.#init
    return Object.hasOwn(queues, queue) ? (queues[queue] ?? {}) : {}
  }

  /** Gives rows one after another; each has its turn, and is expected to be driven. */
  async *pick(picking: Picking): AsyncGenerator<RunRow> {
    const except = new Set(picking.except)
    const inUse = new Map<string, number>()
    for (const { queue } of picking.running) inUse.set(queue, (inUse.get(queue) ?? 0) + 1)
    let left = picking.free
    for (let round = 0; round < ROUNDS_MAX && left > 0; round += 1) {
      const queues = await this.#candidates(picking, [...except], left)
      let wasKey = false
      this.#shares.begin([...queues.keys()])
      while (left > 0 && queues.size > 0) {
        const queue = this.#shares.next(queues.keys(), (name) => inUse.get(name) ?? 0)
        const rows = queue === null ? undefined : queues.get(queue)
        const row = rows?.shift()
        if (queue === null || rows === undefined || row === undefined) {
          queues.delete(queue ?? '')
          continue
        }
        const isBusy = row.concurrencyKey !== null && this.#busyKeys.has(row.concurrencyKey)
        const turn = isBusy ? 'key' : await this.#turn(row)
        if (turn === 'key') wasKey = true
        if (turn === 'run') except.add(row.run)
        if (turn === 'queue') queues.delete(queue)
        if (turn !== 'taken') continue
        except.add(row.run)
        inUse.set(queue, (inUse.get(queue) ?? 0) + 1)
        this.#shares.give(queue)
        left -= 1
        yield row
      }
      // Behind runs whose key is busy there may be others.
      if (!wasKey) return
    }
  }

  async #candidates(
    { now, others }: Picking,
    except: readonly RunId[],
    left: number,
  ): Promise<Map<string, RunRow[]>> {
    const { index, only } = this.#init
    forgetPassed(this.#busyKeys, now)
    forgetPassed(this.#busyQueues, now)
    const keysBusy = [...this.#busyKeys.keys()].slice(0, INDEX_PAGE_ROWS)
    const ready = await index.ready({
      now,
      programs: this.#driven,
      keysBusy,
      except,
      perQueue: Math.min(left, INDEX_PAGE_ROWS),
      ...(only === undefined ? {} : { queues: only }),
    })
    const taken = new Set(except)
    const known = new Set(ready.map(({ run }) => run))
    const more = others.filter(
      (row) => !taken.has(row.run) && !known.has(row.run) && this.#isServed(row),
    )
    const queues = new Map<string, RunRow[]>()
    for (const row of [...ready, ...more]) {
      if (this.#busyQueues.has(row.queue)) continue
      queues.set(row.queue, [...(queues.get(row.queue) ?? []), row])
    }
    if (more.length > 0) for (const rows of queues.values()) rows.sort(byTurn)
    return queues
  }

  #isServed({ queue, program }: RunRow): boolean {
    const { only } = this.#init
    if (only !== undefined && !only.includes(queue)) return false
    return this.#driven.some(
      ({ name, version }) => name === program.name && version === program.version,
    )
  }

  /** Takes the turn of a run, where it needs one. */
  async #turn(row: RunRow): Promise<'key' | 'queue' | 'run' | 'taken'> {
    const { turns, ownership, clock } = this.#init
    const { queue, concurrencyKey: key, run } = row
    const { concurrency, keyConcurrency = 1, rate } = this.#terms(queue)
    if (!this.#needsTurn(row)) return 'taken'
    this.#unsure.set(run, row)
    const turn = await turns.take({
      run,
      owner: ownership.self,
      queue,
      queueMax: concurrency ?? null,
      key,
      keyMax: keyConcurrency,
      rate: rate ?? null,
    })
    this.#unsure.delete(run)
    const again = clock.now() + TURN_INTERVAL_MS
    if (turn.kind === 'taken' || turn.kind === 'run') return turn.kind
    if (turn.kind === 'key' && key !== null) {
      this.#busyKeys.set(key, again)
      return 'key'
    }
    this.#busyQueues.set(
      queue,
      turn.kind === 'rate' ? Math.max(turn.until, clock.now() + 1) : again,
    )
    return 'queue'
  }

  #needsTurn({ queue, concurrencyKey }: RunRow): boolean {
    const { concurrency, rate } = this.#terms(queue)
    return concurrencyKey !== null || concurrency !== undefined || rate !== undefined
  }

  /** Gives the turn of a run back, where it had one. */
  async giveBack(row: RunRow): Promise<void> {
    if (!this.#needsTurn(row)) return
    const { turns, ownership } = this.#init
    this.#unsure.set(row.run, row)
    await turns.give(row.run, ownership.self)
    this.#unsure.delete(row.run)
    if (row.concurrencyKey !== null) this.#busyKeys.delete(row.concurrencyKey)
    if (this.#terms(row.queue).rate === undefined) this.#busyQueues.delete(row.queue)
  }

  /** Gives back turns of which nobody knows whether they are taken. @throws what the turns throw */
  async giveUnsure(): Promise<void> {
    for (const row of [...this.#unsure.values()]) await this.giveBack(row)
  }

  /** When something that was refused may be asked for again; `null`: nothing was. */
  next(now: number): number | null {
    const times = [...this.#busyKeys.values(), ...this.#busyQueues.values()].filter(
      (at) => at > now,
    )
    return times.length === 0 ? null : Math.min(...times)
  }
}

/** A program that takes a version over drives its runs: they are picked as its own are. */
function drivenBy(programs: readonly SupervisedProgram[]): readonly DrivenProgram[] {
  const driven = programs.flatMap(({ name, version, takesOver = [] }) =>
    [version, ...takesOver].map(
      (each) => [programKey(name, each), { name, version: each }] as const,
    ),
  )
  return [...new Map(driven).values()]
}

function forgetPassed(times: Map<string, number>, now: Timestamp): void {
  for (const [name, until] of times) if (until <= now) times.delete(name)
}

function byTurn(a: RunRow, b: RunRow): number {
  return b.priority - a.priority || a.since - b.since || (a.run < b.run ? -1 : 1)
}
