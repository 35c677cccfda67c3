/** What every adapter of the index refuses alike. */

import type { JsonObject } from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import type { IndexMark, ReadyQuery, RowsMove, RunPageQuery } from '../index-ports.ts'
import { INDEX_LIST_MAX, INDEX_PAGE_ROWS } from '../limits.ts'

const LIMIT_DEFAULT = 100

/** @throws `ICE_RUNS_INDEX_UNSUPPORTED` */
export function checkPage(query: RunPageQuery): {
  readonly limit: number
  readonly backwards: boolean
} {
  const { limit = LIMIT_DEFAULT, backwards = false, runs, lines, states, standings } = query
  checkCount('limit', limit)
  checkLists({ runs, lines, states, standings, programs: query.programs, queues: query.queues })
  const tags = Object.keys(query.tags ?? {})
  checkLists({ tags })
  return { limit, backwards }
}

/** @throws `ICE_RUNS_INDEX_UNSUPPORTED` */
export function checkReady({ perQueue, programs, queues, keysBusy, except }: ReadyQuery): void {
  checkCount('perQueue', perQueue)
  checkLists({ programs, queues, keysBusy, except })
}

function checkCount(name: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1 && count <= INDEX_PAGE_ROWS) return
  const message = `"${name}" is a whole number from 1 to ${INDEX_PAGE_ROWS}`
  throw unsupported(message, { name })
}

function checkLists(lists: Readonly<Record<string, readonly unknown[] | undefined>>): void {
  for (const [name, list] of Object.entries(lists)) {
    if (list === undefined || list.length <= INDEX_LIST_MAX) continue
    throw unsupported(`"${name}" holds at most ${INDEX_LIST_MAX} members`, { name })
  }
}

function unsupported(message: string, data: JsonObject): RunsError {
  return new RunsError(RUNS_CODES.indexUnsupported, message, data)
}

/** The refusal of a move of rows that stand somewhere else. */
export function indexMoved({ from }: RowsMove, stored: IndexMark | null): RunsError {
  const place = (mark: IndexMark | null): string =>
    mark === null ? 'nowhere' : `at ${mark.position} of ${mark.incarnation}`
  const message = `The index of runs stands ${place(stored)}, not ${place(from)}`
  return new RunsError(RUNS_CODES.indexConflict, message)
}
