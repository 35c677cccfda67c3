/** Judging the units of a group, and what became of them once the group is committed. */
import type { EventsError, PreparedUnit, StoredEvent } from '@ice/events'
import {
  judge,
  occupiedRefusal,
  retryAnswer,
  type StoredLookup,
  type UnitOutcome,
} from '@ice/events/adapter'
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

/** What stands where units wanted to stand. */
interface Places {
  readonly stored: StoredLookup
  /** The segment of the first moved version behind another. */
  readonly segmentOf: (stream: string, from: number) => string | undefined
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
 * @param found - of the lookup: index of the span, version, position, bytes; for the first version
 * behind the span's beginning that was moved, position 0 and its segment
 * @param base - position before the first event of the draft
 */
export function outcomesOf(
  judged: readonly Judged[],
  found: Answer['rows'],
  base: number,
): readonly UnitOutcome[] {
  const wanted = spansOf(judged)
  const stored = new Map<string, StoredEvent>()
  const segments = new Map<string, string>()
  for (const [index, version, position, bytes] of found) {
    const { stream = '', from = 0 } = wanted[Number(index) - 1] ?? {}
    if (position === 0) segments.set(`${stream}@${from}`, String(bytes))
    else
      stored.set(`${stream}@${String(version)}`, {
        position: position as Position,
        bytes: String(bytes),
        hash: '' as Hash,
      })
  }
  const places: Places = {
    stored: (stream, version) => stored.get(`${stream}@${version}`),
    segmentOf: (stream, from) => segments.get(`${stream}@${from}`),
  }
  return judged.map((one): UnitOutcome => {
    if ('kept' in one) return { appended: placed(one.kept, base) }
    return 'occupied' in one ? answerOf(one, places) : one
  })
}

/** By now the group is committed: whatever is thrown here must concern this unit alone. */
function answerOf({ occupied, conflict }: Occupied, places: Places): UnitOutcome {
  try {
    const answer = retryAnswer(occupied, places.stored)
    if (answer !== undefined) return { appended: answer }
    return { refused: occupiedRefusal(occupied, conflict, places.segmentOf) }
  } catch (error) {
    return { refused: error }
  }
}
