/** What the cases of exhaustion have in hand: a log, events of any size, and a witness. */
import { writeSync } from 'node:fs'
import type { Appended, EventLog } from '@ice/events'
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import { settled, streamId, systemClock } from '@ice/primitives'
import { logOf } from './log-plan.ts'

/** What a process of a case is told. */
export interface ExhaustJob {
  readonly name: string
  /** Its log; made by the case where it is not there. */
  readonly path: string
  readonly witness: string
  readonly seed: string
}

/** What a case has in hand. */
export interface ExhaustHand {
  readonly job: ExhaustJob
  /** Says that an event with this number stands there. */
  readonly acknowledge: (appended: Appended, n: number) => void
}

/** Opens a log. */
export const openLog = (path: string): { readonly store: SqliteEventStore; log: EventLog } => {
  const store = openSqliteEventStore({ path, clock: systemClock })
  return { store, log: logOf(store) }
}

/** Writes one line for each acknowledgement. */
export const handOf = (job: ExhaustJob, witness: number): ExhaustHand => ({
  job,
  acknowledge: ({ writes }, n) => {
    writeSync(witness, `${writes[0]?.positions[0]} ${n}\n`)
  },
})

/** A text that an event holds inline; seven of them are nearly all that fits. */
const LINE = 'x'.repeat(7_000)

/** One event that carries its number. @param lines - 7,000 bytes each */
export const numbered = (n: number, lines = 0): Parameters<EventLog['append']>[0] => {
  const texts = new Array<string>(lines).fill(LINE)
  const events = [{ type: 'PageWritten', data: { n, texts } }]
  return { writes: [{ stream: streamId(`load/${n % 100}`), expectedVersion: 'any', events }] }
}

/** What came of many appends at once. */
export interface Flooded {
  readonly kept: number
  /** Refusals by their code and reason. */
  readonly refused: ReadonlyMap<string, number>
}

/** Appends without waiting; every answer is taken. */
export const flood = async (
  { acknowledge }: ExhaustHand,
  append: (n: number) => Promise<Appended>,
  count: number,
): Promise<Flooded> => {
  const refused = new Map<string, number>()
  let kept = 0
  let open = 0
  for (let n = 0; n < count; n += 1) {
    open += 1
    const answered = (): void => {
      open -= 1
    }
    append(n).then(
      (appended) => {
        acknowledge(appended, n)
        kept += 1
        answered()
      },
      (error: unknown) => {
        const reason = reasonOf(error)
        refused.set(reason, (refused.get(reason) ?? 0) + 1)
        answered()
      },
    )
    // Refusals are taken at once, as a caller would; the store has no turn until all were given.
    if (n % 64 === 63) await null
  }
  while (open > 0) await settled()
  return { kept, refused }
}

/** `ICE_EVENTS_UNAVAILABLE/disk_full`; anything without a code of ours is thrown on. */
export const reasonOf = (error: unknown): string => {
  const { code, data } = error as { readonly code?: string; readonly data?: { reason?: string } }
  if (typeof code !== 'string' || !code.startsWith('ICE_')) throw error
  return data?.reason === undefined ? code : `${code}/${data.reason}`
}

/** The reason with which something is refused. @throws when it is not */
export const refusalOf = async (act: () => unknown): Promise<string> => {
  try {
    await act()
  } catch (error) {
    return reasonOf(error)
  }
  throw new Error('it was not refused')
}
