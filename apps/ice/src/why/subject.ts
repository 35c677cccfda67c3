/** Events of authority that stand in no run: of budgets, policies, stops and grants. */
import type { StandardPayloads } from '@ice/events'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { StreamId } from '@ice/primitives'
import { grantOf, unitMax } from '../log/grants.ts'
import { readChain } from './authority.ts'
import { linkNote } from './link.ts'
import { type EventNote, note } from './note.ts'

type Slice = StandardPayloads['BudgetAllotted']

/** What an event of authority is about. */
export interface SubjectNote {
  readonly kind: 'budget' | 'policy' | 'stop' | 'grant'
  /** For people, and not yet plain. */
  readonly lines: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
  /** The next event of its stream: what replaced, lifted or ended it. */
  readonly next: EventNote | null
  /** The effect of a run that it was written for. */
  readonly effect: { readonly stream: StreamId; readonly effect: string } | null
}

/** What an event is about; `null` where it is of none of these streams. */
export async function readSubject(
  log: EventLog,
  event: RecordedEvent,
): Promise<SubjectNote | null> {
  const kind = event.stream.slice(0, event.stream.indexOf('/'))
  if (kind === 'budget') return budgetNote(log, event)
  if (kind === 'policy' || kind === 'stop') return switchNote(log, event, kind)
  return kind === 'grant' ? grantNote(log, event) : null
}

async function budgetNote(log: EventLog, event: RecordedEvent): Promise<SubjectNote> {
  const share = event.data as Slice
  const { grant, unit, run, amount } = share
  const stream = `run/${run}` as StreamId
  if (event.type === 'CountDebited') {
    const { effect } = event.data as StandardPayloads['CountDebited']
    const data = { grant, unit: 'uses', run }
    return { kind: 'budget', lines: [], data, next: null, effect: { stream, effect } }
  }
  const max = await maxOf(log, share)
  const before = await givenBefore(log, event, max)
  const isGiven = event.type === 'BudgetAllotted'
  const isMissed = isGiven && isTooMuch(share, before, max)
  const after = isMissed ? before : before + (isGiven ? amount : -amount)
  const effect = isGiven && !isMissed ? await askerOf(log, event) : null
  const given = isMissed ? 'were asked for by' : 'went to'
  const verb = isGiven ? given : 'came back from'
  return {
    kind: 'budget',
    lines: [
      `of the grant ${grant}, ${amount} ${unit} ${verb} the run ${run}`,
      `all runs together had ${before} before, and ${after} after`,
      ...(isMissed ? ['not so much was left: nothing was given'] : []),
      ...(isGiven && !isMissed && effect === null ? [unaskedText(share)] : []),
    ],
    data: { ...share, before, after },
    next: null,
    effect: effect === null ? null : { stream, effect },
  }
}

function unaskedText({ ifLeft }: Slice): string {
  if (ifLeft !== true) return 'charged for what was taken beyond the bound'
  return 'no intent has taken from it'
}

/** The limit of a grant that a slice is of. */
async function maxOf(log: EventLog, { grant, unit }: Slice): Promise<number> {
  for await (const [first] of log.read({ stream: `grant/${grant}` as StreamId, limit: 1 })) {
    if (first?.type === 'CapabilityGranted') return unitMax(grantOf(first).grant, unit) ?? 0
  }
  return 0
}

/** Whether a draw asked for more than was left, and so was given nothing. */
function isTooMuch({ amount, ifLeft }: Slice, before: number, max: number): boolean {
  return ifLeft === true && before + amount > max
}

/** What of the same limit had gone out before an event. */
async function givenBefore(log: EventLog, event: RecordedEvent, max: number): Promise<number> {
  let given = 0
  if (event.version === 1) return given
  for await (const batch of log.read({ stream: event.stream, limit: event.version - 1 })) {
    for (const { type, data } of batch) {
      if (!isSameLimit(data as Slice, event.data as Slice)) continue
      const { amount } = data as Slice
      if (isTooMuch(data as Slice, given, max)) continue
      given += type === 'BudgetReturned' ? -amount : amount
    }
  }
  return given
}

type Limited = Pick<Slice, 'grant' | 'unit' | 'window'>

function isSameLimit(one: Limited, other: Limited): boolean {
  return one.grant === other.grant && one.unit === other.unit && one.window === other.window
}

/**
 * The effect that a slice was for: the first behind a draw whose intent takes from it; in older
 * logs the last before it whose intent brought it along.
 */
async function askerOf(log: EventLog, event: RecordedEvent): Promise<string | null> {
  const slice = event.data as Slice
  let found: string | null = null
  for await (const batch of log.read({ stream: `run/${slice.run}` as StreamId })) {
    for (const { type, data, position } of batch) {
      if (slice.ifLeft !== true && position > event.position) return found
      if (slice.ifLeft === true && position < event.position) continue
      const { allotted = [], effect } = data as Partial<StandardPayloads['CapabilityUsed']>
      // Several draws may be in hand when an intent takes from them.
      const isIt = (one: Limited & { readonly amount: number }): boolean =>
        (slice.ifLeft === true || one.amount === slice.amount) && isSameLimit(one, slice)
      if (type !== 'CapabilityUsed' || !allotted.some(isIt)) continue
      found = effect ?? null
      if (slice.ifLeft === true) return found
    }
  }
  return found
}

async function nextOf(log: EventLog, event: RecordedEvent): Promise<EventNote | null> {
  const query = { stream: event.stream, after: event.version, limit: 1 }
  for await (const [next] of log.read(query)) return next === undefined ? null : note(next)
  return null
}

async function switchNote(
  log: EventLog,
  event: RecordedEvent,
  kind: 'policy' | 'stop',
): Promise<SubjectNote> {
  const next = await nextOf(log, event)
  const { policy: _text, ...data } = event.data as Readonly<Record<string, unknown>>
  const what =
    kind === 'policy'
      ? `the policy ${data['name']} ${data['version']}, with the digest ${data['digest']}`
      : `the scope ${data['scope']}: ${data['reason']}`
  const lines = [what, ...(next === null ? ['it is what holds now'] : [])]
  return { kind, lines, data, next, effect: null }
}

async function grantNote(log: EventLog, event: RecordedEvent): Promise<SubjectNote> {
  const grant = event.stream.slice('grant/'.length)
  const none = { run: '', effect: '', attempt: 0, intent: null }
  const use = { ...none, at: event.time, position: event.position }
  const chain = (await readChain(log, [grant], use)).map(linkNote)
  const next = await nextOf(log, event)
  return { kind: 'grant', lines: [], data: { grant, chain }, next, effect: null }
}
