/** The statement that finds rows by conditions. Values are never part of its text. */
import { RUN_STANDINGS, RUN_STATES } from '@ice/runs/adapter'
import type { RunPageQuery } from '@ice/runs/ports'
import { bytesOf, NUMBERS } from './run-rows-format.ts'

/** A statement and its values. */
export interface Asked {
  readonly sql: string
  readonly values: readonly unknown[]
}

/** The columns of a row with its names; `where` is what follows. */
export const SELECT_ROWS: string =
  'SELECT r.*, p.name AS programName, p.version AS programVersion, o.name AS ownerName, ' +
  'q.name AS queueName FROM runs r JOIN programs p ON p.id = r.program ' +
  'JOIN names o ON o.id = r.owner JOIN names q ON q.id = r.queue'

const LIST = '(SELECT value FROM json_each(?))'
const RUNS = '(SELECT unhex(value) FROM json_each(?))'
const NAMED = `(SELECT id FROM names WHERE name IN ${LIST})`

/** Builds the statement of a page. */
export function askPage(query: RunPageQuery, page: { limit: number; backwards: boolean }): Asked {
  const conditions: string[] = []
  const values: unknown[] = []
  const add = (condition: string, ...more: readonly unknown[]): void => {
    conditions.push(condition)
    values.push(...more)
  }
  addRuns(query, add)
  addMembers(query, add)
  addTimes(query, add)
  const { after } = query
  if (after !== undefined) add(page.backwards ? 'r.run < ?' : 'r.run > ?', bytesOf(after))
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const order = ` ORDER BY r.run${page.backwards ? ' DESC' : ''} LIMIT ?`
  return { sql: SELECT_ROWS + where + order, values: [...values, page.limit] }
}

type Add = (condition: string, ...values: readonly unknown[]) => void

function hexes(runs: readonly string[]): string {
  return JSON.stringify(runs.map((run) => bytesOf(run).toString('hex')))
}

function addRuns({ runs, lines, parent, tags = {}, listensFor }: RunPageQuery, add: Add): void {
  if (runs !== undefined) add(`r.run IN ${RUNS}`, hexes(runs))
  if (lines !== undefined) {
    const hex = hexes(lines)
    add(
      `r.run IN (SELECT run FROM runs WHERE run IN ${RUNS} AND line IS NULL ` +
        `UNION ALL SELECT run FROM runs WHERE line IN ${RUNS})`,
      hex,
      hex,
    )
  }
  if (parent !== undefined) add('r.parent = ?', bytesOf(parent))
  for (const [name, value] of Object.entries(tags)) {
    add('r.run IN (SELECT run FROM tags WHERE name = ? AND value = ?)', name, value)
  }
  if (listensFor !== undefined) {
    add('r.run IN (SELECT run FROM listens WHERE type = ?)', listensFor)
  }
}

function numbers<T>(all: readonly T[], some: readonly T[]): string {
  return JSON.stringify(some.map((one) => all.indexOf(one)))
}

function addMembers(query: RunPageQuery, add: Add): void {
  const { states, standings, programs, queues, key, owner, inDoubt } = query
  if (states !== undefined) add(`r.state IN ${LIST}`, numbers(RUN_STATES, states))
  if (standings !== undefined) {
    // Told in so many words that the ended are not wanted, an index of the others can be used.
    if (!standings.includes('ended')) add(`r.standing < ${NUMBERS.ENDED}`)
    add(`r.standing IN ${LIST}`, numbers(RUN_STANDINGS, standings))
  }
  if (programs !== undefined) {
    const ids = `(SELECT id FROM programs WHERE name IN ${LIST})`
    add(`r.program IN ${ids}`, JSON.stringify(programs))
  }
  if (queues !== undefined) add(`r.queue IN ${NAMED}`, JSON.stringify(queues))
  if (key !== undefined) add('r.key = ?', key)
  if (owner !== undefined) {
    add('r.owner = (SELECT id FROM names WHERE name = ?)', owner)
    if (standings?.length === 1 && standings[0] === 'held') add(`r.standing = ${NUMBERS.HELD}`)
  }
  if (inDoubt !== undefined) add(inDoubt ? 'r.doubts > 0' : 'r.doubts = 0')
}

function addTimes({ from, before, deadlineBefore }: RunPageQuery, add: Add): void {
  if (from !== undefined) add('r.created >= ?', from)
  if (before !== undefined) add('r.created < ?', before)
  if (deadlineBefore === undefined) return
  add(
    'r.deadline < ? AND r.deadline IS NOT NULL AND r.aborting = 0 ' +
      `AND r.standing < ${NUMBERS.ENDED}`,
    deadlineBefore,
  )
}
