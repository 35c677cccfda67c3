/** Judging the units of a group, and what became of them once the group is committed. */
import type { EventsError, PreparedUnit, StoredEvent } from '@ice/events'
import { judge, retryAnswer, type StoredLookup, type UnitOutcome } from '@ice/events/adapter'
import type { Hash, Position } from '@ice/primitives'
import { type Draft, type Kept, placed } from './draft.ts'
import type { Ledger } from './ledger.ts'
import { numbers, textLines } from './lists.ts'
import type { Answer, Call } from './session.ts'
import type { Sql } from './sql.ts'

/** Its places are taken: the answer depends on what stands there. */
interface Occupied {
  readonly occupied: PreparedUnit
  readonly conflict: EventsError
}

/** What becomes of one unit when its transaction commits. */
export type Judged = { readonly kept: Kept } | { readonly refused: unknown } | Occupied

/** Judges one unit; what fits goes into the draft. */
export function judgeUnit(
  unit: PreparedUnit,
  { ledger, draft, now }: { ledger: Ledger; draft: Draft; now: number },
): Judged {
  try {
    const judged = judge(unit, ledger, now)
    if (judged.kind === 'fits') return { kept: draft.keep(unit, judged.writes, ledger) }
    if (judged.kind === 'refused') return { refused: judged.error }
    return { occupied: unit, conflict: judged.conflict }
  } catch (error) {
    return { refused: error }
  }
}

interface Span {
  readonly stream: string
  readonly from: number
  readonly to: number
}

function spansOf(judged: readonly Judged[]): readonly Span[] {
  const units = judged.flatMap((one) => ('occupied' in one ? [one.occupied] : []))
  return units.flatMap(({ writes }) =>
    writes.map(({ stream, expectedVersion, events }) => {
      const from = typeof expectedVersion === 'number' ? expectedVersion : 0
      return { stream, from, to: from + events.length }
    }),
  )
}

/** Asks for what stands where units wanted to stand; once inserted, those of this group too. */
export function lookupCall(judged: readonly Judged[], { places }: Sql): Call | undefined {
  const wanted = spansOf(judged)
  if (wanted.length === 0) return undefined
  const values = [
    textLines(wanted.map(({ stream }) => stream)),
    numbers(wanted.map(({ from }) => from)),
    numbers(wanted.map(({ to }) => to)),
  ]
  return { statement: places, values }
}

/**
 * What became of each unit.
 *
 * @param found - of the lookup: index of the span, version, position, bytes
 * @param base - position before the first event of the draft
 */
export function outcomesOf(
  judged: readonly Judged[],
  found: Answer['rows'],
  base: number,
): readonly UnitOutcome[] {
  const wanted = spansOf(judged)
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
  return judged.map((one): UnitOutcome => {
    if ('kept' in one) return { appended: placed(one.kept, base) }
    return 'occupied' in one ? answerOf(one, lookup) : one
  })
}

/** By now the group is committed: whatever is thrown here must concern this unit alone. */
function answerOf({ occupied, conflict }: Occupied, lookup: StoredLookup): UnitOutcome {
  try {
    const answer = retryAnswer(occupied, lookup)
    return answer === undefined ? { refused: conflict } : { appended: answer }
  } catch (error) {
    return { refused: error }
  }
}
