/**
 * Rows of the index in memory: the reference, complete and short. It looks at every row for every
 * question, and is for logs in memory, which are larger than it.
 */

import type { OwnerId, RunId, Timestamp } from '@ice/primitives'
import type {
  IndexMark,
  QueueCount,
  ReadyQuery,
  RowsMove,
  RunFilter,
  RunPageQuery,
  RunRow,
  RunRows,
} from '../index-ports.ts'
import { checkPage, checkReady, indexMoved } from './checks.ts'

/** Creates empty rows. */
export function memoryRunRows(): RunRows {
  const rows = new Map<RunId, RunRow>()
  let mark: IndexMark | null = null
  return {
    supports: { durable: false, sharedByProcesses: false },
    mark: async () => mark,
    async move(move: RowsMove) {
      if (!isSame(mark, move.from)) throw indexMoved(move, mark)
      if (move.reset === true) rows.clear()
      for (const row of move.rows) rows.set(row.run, Object.freeze({ ...row }))
      mark = { ...move.to }
    },
    async find(query) {
      const { limit, backwards } = checkPage(query)
      const found = [...rows.values()].filter((row) => isFound(row, query)).sort(byRun)
      return (backwards ? found.reverse() : found).slice(0, limit)
    },
    async ready(query) {
      checkReady(query)
      return readyOf([...rows.values()], query)
    },
    async outlook(now) {
      const open = [...rows.values()].filter(({ standing }) => standing !== 'ended')
      const asleep = open.filter(({ standing }) => standing === 'asleep')
      const held = open.filter(({ standing }) => standing === 'held')
      const types = asleep.flatMap(({ listens }) =>
        listens.flatMap((one) => ('types' in one ? one.types : [])),
      )
      return {
        nextDue: earliest(
          asleep.map(({ until }) => (until !== null && until > now ? until : null)),
        ),
        nextDeadline: earliest(open.map((row) => (row.aborting ? null : row.deadline))),
        owners: [...new Set<OwnerId>(held.map(({ owner }) => owner))].sort(),
        listenedFor: [...new Set(types)].sort(),
      }
    },
    counts: async (now) => countsOf([...rows.values()], now),
    close: async () => undefined,
  }
}

function isSame(a: IndexMark | null, b: IndexMark | null): boolean {
  return a?.position === b?.position && a?.incarnation === b?.incarnation
}

function byRun(a: RunRow, b: RunRow): number {
  return a.run < b.run ? -1 : 1
}

function earliest(times: readonly (Timestamp | null)[]): Timestamp | null {
  let first: Timestamp | null = null
  for (const time of times) if (time !== null && (first === null || time < first)) first = time
  return first
}

/** A condition that is left out holds. */
function holds<T>(condition: T | undefined, test: (condition: T) => boolean): boolean {
  return condition === undefined || test(condition)
}

function isFound(row: RunRow, query: RunPageQuery): boolean {
  const { after, backwards = false } = query
  const isBehind = after === undefined || (backwards ? row.run < after : row.run > after)
  return isBehind && isOf(row, query) && isDated(row, query)
}

function isOf(row: RunRow, filter: RunFilter): boolean {
  return (
    holds(filter.runs, (runs) => runs.includes(row.run)) &&
    holds(filter.lines, (lines) => lines.includes(row.line)) &&
    holds(filter.states, (states) => states.includes(row.state)) &&
    holds(filter.standings, (standings) => standings.includes(row.standing)) &&
    holds(filter.programs, (programs) => programs.includes(row.program.name)) &&
    holds(filter.queues, (queues) => queues.includes(row.queue)) &&
    holds(filter.tags, (tags) => hasTags(row, tags)) &&
    holds(filter.key, (key) => row.key === key) &&
    holds(filter.parent, (parent) => row.parent === parent) &&
    holds(filter.owner, (owner) => row.owner === owner) &&
    holds(filter.inDoubt, (inDoubt) => row.doubts.length > 0 === inDoubt)
  )
}

function hasTags(row: RunRow, tags: Readonly<Record<string, string>>): boolean {
  return Object.entries(tags).every(
    ([name, value]) => Object.hasOwn(row.tags, name) && row.tags[name] === value,
  )
}

function isDated(row: RunRow, { from, before, deadlineBefore, listensFor }: RunFilter): boolean {
  const isLate = (time: Timestamp): boolean =>
    row.standing !== 'ended' && !row.aborting && row.deadline !== null && row.deadline < time
  const isListening = (type: string): boolean =>
    row.standing === 'asleep' &&
    row.listens.some((one) => 'types' in one && one.types.includes(type))
  return (
    holds(from, (time) => row.createdAt >= time) &&
    holds(before, (time) => row.createdAt < time) &&
    holds(deadlineBefore, isLate) &&
    holds(listensFor, isListening)
  )
}

/** The first of each queue, in order. */
function readyOf(rows: readonly RunRow[], query: ReadyQuery): readonly RunRow[] {
  const { now, programs, queues, keysBusy = [], except = [], perQueue } = query
  const ready = rows.flatMap((row): RunRow[] => {
    const isDue = row.standing === 'asleep' && row.until !== null && row.until <= now
    if (!isDue && row.standing !== 'ready') return []
    const { name, version } = row.program
    if (!programs.some((one) => one.name === name && one.version === version)) return []
    if (queues !== undefined && !queues.includes(row.queue)) return []
    if (row.concurrencyKey !== null && keysBusy.includes(row.concurrencyKey)) return []
    if (except.includes(row.run)) return []
    return [isDue ? { ...row, since: row.until as Timestamp } : row]
  })
  const queued = Map.groupBy(ready.sort(byTurn), ({ queue }) => queue)
  return [...queued].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, of]) => of.slice(0, perQueue))
}

function byTurn(a: RunRow, b: RunRow): number {
  return b.priority - a.priority || a.since - b.since || byRun(a, b)
}

function countsOf(rows: readonly RunRow[], now: Timestamp): readonly QueueCount[] {
  const open = rows.filter(({ standing }) => standing !== 'ended')
  const counts = new Map<string, { -readonly [K in keyof QueueCount]: QueueCount[K] }>()
  for (const { queue, standing, since, until, doubts } of open) {
    const name = `${standing} ${queue}`
    const none = { runs: 0, inDoubt: 0, due: 0 }
    const count = counts.get(name) ?? { queue, standing, ...none, oldest: since }
    count.runs += 1
    count.inDoubt += doubts.length > 0 ? 1 : 0
    count.due += standing === 'asleep' && until !== null && until <= now ? 1 : 0
    if (since < count.oldest) count.oldest = since
    counts.set(name, count)
  }
  const order = (count: QueueCount): string => `${count.queue} ${count.standing}`
  return [...counts.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1))
}
