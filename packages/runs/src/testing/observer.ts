/** Sees the log as it is, without a network in between: every event once, every run folded. */
import type { EventLog, EventStore, RecordedEvent } from '@ice/events/ports'
import type { EventId, RunId } from '@ice/primitives'
import { sha256Hex } from '@ice/primitives'
import { type RunFold, runProjection } from '../lifecycle.ts'

/** What nobody else can go on with: it says that a run waits, or that somebody took it up. */
const QUIET: ReadonlySet<string> = new Set([
  'RunClaimed',
  'RunResumed',
  'RunSuspended',
  'TimerSet',
  'SignalAwaited',
  'EventAwaited',
  'ChildAwaited',
  'EffectInDoubt',
])

const RIGHTS: ReadonlySet<string> = new Set(['grant', 'stop'])

/** Follows the log of a simulation. */
export class Observer {
  readonly #store: EventStore
  readonly #log: EventLog
  readonly events: RecordedEvent[] = []
  readonly folds: Map<RunId, RunFold> = new Map()
  readonly #byId = new Map<EventId, RecordedEvent>()
  /** By stream, events that somebody might go on with; under `ends`, `rights` and `all` more. */
  readonly #news = new Map<string, number>()
  /** By run, how much there was when it was suspended, and until when it is. */
  readonly #asleep = new Map<RunId, { readonly news: number; readonly until: number | null }>()
  /** What the log says that no log may say. */
  broken: string | null = null

  constructor(store: EventStore, log: EventLog) {
    this.#store = store
    this.#log = log
  }

  get head(): number {
    return this.events.length
  }

  event(id: EventId): RecordedEvent | undefined {
    return this.#byId.get(id)
  }

  /** The run that was started under a key. */
  started(key: string): RunId | undefined {
    for (const [run, { view }] of this.folds) if (view?.key === key) return run
    return undefined
  }

  /** What others wrote, that any run which waits might go on with. */
  sharedNews(run: RunId): number {
    const { waits } = this.folds.get(run) ?? {}
    const isAwaited = [...(waits?.values() ?? [])].some(({ kind }) => kind === 'event')
    return this.#sum(['ends', 'rights', ...(isAwaited ? ['all'] : [])])
  }

  /** Whether a run that was suspended has something to go on with. */
  hasNews(run: RunId): boolean {
    return this.#newsOf(run) !== this.#asleep.get(run)?.news
  }

  /** @units epoch milliseconds, UTC; `null`: nothing makes it go on by itself */
  sleepsUntil(run: RunId): number | null {
    return this.#asleep.get(run)?.until ?? null
  }

  #newsOf(run: RunId): number {
    const { view } = this.folds.get(run) ?? {}
    return this.sharedNews(run) + this.#sum([`run/${run}`, `inbox/${view?.line ?? run}`])
  }

  #sum(keys: readonly string[]): number {
    return keys.reduce((sum, key) => sum + (this.#news.get(key) ?? 0), 0)
  }

  /** Takes up what is new. */
  async advance(): Promise<void> {
    for await (const batch of this.#log.readAll({ after: this.head })) {
      for (const event of batch) this.#take(event)
    }
  }

  /** SHA-256 over the stored bytes of the log. */
  async digest(): Promise<string> {
    const lines: string[] = []
    for await (const batch of this.#store.readAll({})) {
      for (const { bytes } of batch) lines.push(bytes)
    }
    return sha256Hex(lines.join('\n'))
  }

  #take(event: RecordedEvent): void {
    this.events.push(event)
    this.#byId.set(event.id, event)
    if (!QUIET.has(event.type)) this.#count(event)
    if (!event.stream.startsWith('run/')) return
    const run = event.stream.slice('run/'.length) as RunId
    const fold = this.folds.get(run) ?? runProjection.initialState()
    try {
      this.folds.set(run, runProjection.evolve(fold, event))
      if (event.type !== 'RunSuspended') return
      const { until = null } = event.data as { readonly until?: number }
      this.#asleep.set(run, { news: this.#newsOf(run), until })
    } catch (error) {
      this.broken ??= `the log holds ${event.id}, a ${event.type} that cannot be: ${String(error)}`
    }
  }

  #count({ type, stream }: RecordedEvent): void {
    const [kind = ''] = stream.split('/')
    const also = type === 'RunTerminated' ? ['ends'] : RIGHTS.has(kind) ? ['rights'] : []
    for (const key of [stream, 'all', ...also]) this.#news.set(key, (this.#news.get(key) ?? 0) + 1)
  }
}
