/**
 * Budgets as one would count them by hand, from a log that is read once, event by event: what each
 * intent took, what is known of it since, and what the streams of budgets say went out.
 *
 * It knows nothing of how a decision is made, and holds it to this, at every event:
 *
 * 1. What was spent, and what is in doubt, is at most the limit, of every unit and window. A
 *    handler that breaks its own bound is counted up to that bound here, and in full by 2.
 * 2. After every unit the budget's stream has given out at least what was really spent.
 * 3. An intent takes from every limit of every link exactly its share, of the window of its time,
 *    out of slices that budgets gave its run: a draw of more than was left gave none.
 * 4. A refusal tells the truth: so much was left and so much in the purse, and it was too little.
 * 5. Once every run has ended, what went out and did not come back is what was spent.
 */
import { ok } from 'node:assert/strict'
import type { RecordedEvent } from '@ice/events'

interface Share {
  readonly grant: string
  readonly unit: string
  readonly amount: number
  readonly window?: number
}

interface Limit {
  readonly max: number
  readonly windowMs: number | null
}

interface Intent {
  readonly id: string
  readonly run: string
  readonly effect: string
  readonly spends: readonly Share[]
  /** A doubt that was resolved as not having happened. */
  isVoid: boolean
}

interface Moment {
  readonly position: number
  readonly taken: number
}

type Data = Readonly<Record<string, unknown>>

const BUDGET_CODES = /_(?:COUNT_SPENT|RATE_EXCEEDED|BUDGET_EXCEEDED)$/

/** What a ledger counted, so that a proof can say that it looked at something. */
export interface LedgerCounts {
  intents: number
  slices: number
  /** Draws of more than was left. */
  missed: number
  refusals: number
  overspends: number
}

/** Counts one log. */
export class BudgetLedger {
  readonly counts: LedgerCounts = { intents: 0, slices: 0, missed: 0, refusals: 0, overspends: 0 }
  readonly #limits = new Map<string, ReadonlyMap<string, Limit>>()
  readonly #open = new Map<string, Intent>()
  /** Spent or in doubt, each intent up to its bound. */
  readonly #bounded = new Map<string, number>()
  /** Spent or in doubt, as it was. */
  readonly #real = new Map<string, number>()
  readonly #taken = new Map<string, Moment[]>()
  readonly #purses = new Map<string, number>()
  /** What budgets gave a run, and no intent has told yet. */
  readonly #hands = new Map<string, number>()
  /** Position at which the unit before the last one of a run ended, and the last. */
  readonly #units = new Map<string, { before: number; last: number }>()
  readonly #ends: ReadonlySet<number>

  /** @param ends - positions of the last events of all units */
  constructor(ends: ReadonlySet<number>) {
    this.#ends = ends
  }

  /** Takes the next event of the log. @throws {AssertionError} where the log breaks a promise */
  take(event: RecordedEvent): void {
    const data = event.data as Data
    if (event.type === 'CapabilityGranted') this.#grant(data['grant'] as Data)
    else if (event.stream.startsWith('budget/')) this.#budget(event, data)
    else if (event.stream.startsWith('run/')) this.#run(event, data)
    if (this.#ends.has(event.position)) this.#endUnit(event.position)
  }

  /** Every run has ended: nothing is held any more. @throws {AssertionError} */
  finish(): void {
    for (const [key, moments] of this.#taken) {
      const [, unit] = key.split(' ')
      if (unit === 'rate') continue
      const taken = moments.at(-1)?.taken ?? 0
      const spent = this.#real.get(key) ?? 0
      ok(taken === spent, `${key}: ${taken} went out, ${spent} were spent`)
    }
  }

  #grant({ id, caveats }: Data): void {
    const limits = new Map<string, Limit>()
    for (const caveat of caveats as readonly Data[]) {
      const unit =
        caveat['kind'] === 'count' ? 'uses' : caveat['kind'] === 'rate' ? 'rate' : caveat['unit']
      const windowMs = (caveat['windowMs'] as number | undefined) ?? null
      limits.set(String(unit), { max: Number(caveat['max']), windowMs })
    }
    this.#limits.set(String(id), limits)
  }

  #budget({ type, position }: RecordedEvent, data: Data): void {
    const share = data as unknown as Share
    const key = keyOf(share)
    const moments = this.#taken.get(key) ?? []
    const taken = moments.at(-1)?.taken ?? 0
    if (data['ifLeft'] === true) {
      const max = this.#limits.get(share.grant)?.get(share.unit)?.max ?? 0
      const isGiven = taken + share.amount <= max
      this.counts[isGiven ? 'slices' : 'missed'] += 1
      if (!isGiven) return
      this.#move(this.#hands, `run/${String(data['run'])} ${key}`, share.amount)
    }
    moments.push({
      position,
      taken: type === 'BudgetReturned' ? taken - share.amount : taken + share.amount,
    })
    this.#taken.set(key, moments)
  }

  #run(event: RecordedEvent, data: Data): void {
    const { stream: run, type } = event
    const effect = `${run} ${String(data['effect'])}`
    const open = this.#open.get(effect)
    if (type === 'CapabilityUsed') this.#intend(event, effect, data)
    else if (type === 'CapabilityDenied' && data['stage'] === 'decision') this.#refuse(event, data)
    else if (type === 'EffectDoubtResolved' && data['happened'] === false && open !== undefined) {
      if (!open.isVoid) this.#void(open)
    } else if (type === 'EffectRevoked' && open !== undefined) {
      this.#void(open)
      this.#open.delete(effect)
    } else if (
      data['intent'] !== undefined &&
      type.match(/^Effect(?:Succeeded|Failed)$/) !== null
    ) {
      if (open !== undefined && !open.isVoid) this.#settle(open, (data['spent'] ?? []) as Share[])
      this.#open.delete(effect)
    } else if (type === 'CapabilityDenied') this.#open.delete(effect)
    const units = this.#units.get(run) ?? { before: 0, last: 0 }
    this.#units.set(run, { ...units, last: event.position })
  }

  #intend(event: RecordedEvent, effect: string, data: Data): void {
    const spends = (data['spends'] ?? []) as Share[]
    const { stream: run } = event
    this.counts.intents += 1
    for (const share of (data['allotted'] ?? []) as Share[]) {
      const key = `${run} ${keyOf(share)}`
      const left = this.#move(this.#hands, key, -share.amount)
      ok(left >= 0, `${event.id} tells of ${-left} of ${key} that no budget gave its run`)
      this.#move(this.#purses, key, share.amount)
    }
    const due = this.#due(event, data).map(shown).sort().join()
    ok(
      spends.map(shown).sort().join() === due,
      `${event.id} takes ${JSON.stringify(spends)}, not ${due}`,
    )
    for (const share of spends) {
      const key = keyOf(share)
      const max = this.#limits.get(share.grant)?.get(share.unit)?.max ?? 0
      this.#move(this.#bounded, key, share.amount)
      this.#move(this.#real, key, share.amount)
      const left = this.#move(this.#purses, `${run} ${key}`, -share.amount)
      const sum = this.#bounded.get(key) ?? 0
      ok(sum <= max, `${event.id}: ${sum} of ${max} are spent or in doubt of ${key}`)
      ok(left >= 0, `${event.id} takes ${-left} more of ${key} than its run holds`)
    }
    this.#open.set(effect, { id: event.id, run, effect, spends, isVoid: false })
  }

  /** What an intent has to take: of every limit of every link its share. */
  #due({ time }: RecordedEvent, data: Data): readonly Share[] {
    const args = (data['arguments'] as { readonly inline: Data }).inline
    const bound = Number(args['bound'])
    return (data['chain'] as readonly string[]).flatMap((grant) =>
      [...(this.#limits.get(grant) ?? [])].flatMap(([unit, { windowMs }]): readonly Share[] => {
        const amount = unit === 'uses' || unit === 'rate' ? 1 : bound
        if (amount === 0) return []
        const window = windowMs === null ? {} : { window: Math.floor(time / windowMs) }
        return [{ grant, unit, amount, ...window }]
      }),
    )
  }

  #settle({ run, spends }: Intent, spent: readonly Share[]): void {
    for (const share of spends) {
      const key = keyOf(share)
      const real = spent.find((one) => keyOf(one) === key)?.amount ?? share.amount
      this.#move(this.#real, key, real - share.amount)
      if (real <= share.amount) this.#move(this.#bounded, key, real - share.amount)
      const held = this.#move(this.#purses, `${run} ${key}`, share.amount - real)
      if (held >= 0) continue
      this.counts.overspends += 1
      this.#purses.set(`${run} ${key}`, 0)
    }
  }

  #void(open: Intent): void {
    open.isVoid = true
    for (const share of open.spends) {
      const key = keyOf(share)
      this.#move(this.#real, key, -share.amount)
      this.#move(this.#bounded, key, -share.amount)
      this.#move(this.#purses, `${open.run} ${key}`, share.amount)
    }
  }

  #refuse(event: RecordedEvent, data: Data): void {
    // The digest is of the arguments; whether others were asked for beside it stands in the id.
    const isAlone = String(data['effect']).endsWith('/of 1')
    for (const cause of causesIn(data['denial'])) {
      const { grant, unit, max, left, purse, needs, window } = cause as Data &
        Record<'grant' | 'unit', string> &
        Record<'max' | 'left' | 'purse' | 'needs', number>
      this.counts.refusals += 1
      const timed = window === undefined ? {} : { window: Number(window) }
      const key = keyOf({ grant, unit, amount: 0, ...timed })
      ok(left + purse < needs, `${event.id}: ${left} and ${purse} are enough for ${needs}`)
      ok(max === this.#limits.get(grant)?.get(unit)?.max, `${event.id}: the limit is another`)
      const own = `${event.stream} ${key}`
      const held = (this.#purses.get(own) ?? 0) + (this.#hands.get(own) ?? 0)
      // Places of a rate that nobody told of are not looked for by the next owner.
      ok(
        isAlone && unit !== 'rate' ? purse === held : purse <= held,
        `${event.id}: the purse held ${held} of ${key}, not ${purse}`,
      )
      const since = this.#units.get(event.stream)?.before ?? 0
      const known = this.#takenSince(key, since).map((taken) => Math.max(0, max - taken))
      ok(
        known.includes(left),
        `${event.id}: ${known.join(' or ')} were left of ${key}, not ${left}`,
      )
    }
  }

  /** What was taken of a budget at some time from this position on. */
  #takenSince(key: string, position: number): readonly number[] {
    const moments = this.#taken.get(key) ?? []
    const before = moments.filter((moment) => moment.position <= position).at(-1)
    const since = moments.filter((moment) => moment.position > position)
    return [before?.taken ?? 0, ...since.map(({ taken }) => taken)]
  }

  #endUnit(position: number): void {
    for (const [key, real] of this.#real) {
      const taken = this.#taken.get(key)?.at(-1)?.taken ?? 0
      ok(taken >= real, `at ${position} ${taken} went out of ${key}, and ${real} were spent`)
    }
    for (const [run, { before, last }] of this.#units) {
      if (last > before) this.#units.set(run, { before: last, last })
    }
  }

  #move(amounts: Map<string, number>, key: string, by: number): number {
    const sum = (amounts.get(key) ?? 0) + by
    amounts.set(key, sum)
    return sum
  }
}

function keyOf({ grant, unit, window }: Share): string {
  return `${grant} ${unit} ${window ?? ''}`
}

function shown(share: Share): string {
  return `${keyOf(share)}=${share.amount}`
}

/** The data of all causes about a budget that say what the call needs. */
function causesIn(denial: unknown): readonly Data[] {
  const { code, data, causes } = denial as {
    readonly code: string
    readonly data: Data
    readonly causes: readonly unknown[]
  }
  const below = causes.flatMap(causesIn)
  // The first level repeats the reason, which stands among its causes.
  const isTold = BUDGET_CODES.test(code) && typeof data['needs'] === 'number' && 'left' in data
  return isTold ? [data, ...below] : below
}
