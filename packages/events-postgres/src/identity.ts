/** Whether the log that is locked is the one that was opened. */
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { FORMAT, unsupportedFormat } from './format.ts'

/** What a handle knows of its log. */
export interface Known {
  /** As messages name it. */
  readonly log: string
  readonly incarnation: string
  /** It has had so many events. */
  readonly seen: number
}

/**
 * What is wrong with the row of the log: position, streams, format, incarnation. `undefined` when
 * it is the log that was opened.
 */
export function changeOf(
  row: readonly unknown[] | undefined,
  { log, incarnation, seen }: Known,
): EventsPostgresError | undefined {
  const [position, , format, found] = row ?? []
  if (format !== FORMAT.version && typeof format === 'number') {
    return unsupportedFormat(log, format, FORMAT.version)
  }
  if (found === incarnation && Number(position) >= seen) return undefined
  return new EventsPostgresError(
    EVENTS_POSTGRES_CODES.rewound,
    `${log} is not the log that was opened: it ends at ${String(position)}, and has had ` +
      `${seen} events. A backup was restored, or a replica took over that lagged. Open it again, ` +
      'and treat what was under way as in doubt.',
    { log, seen, incarnation: String(found) },
  )
}
