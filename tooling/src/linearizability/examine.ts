/** The judgement of a recorded history of a log, and the history as a file to judge again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { checkLinearizable } from './checker.ts'
import type { Operation } from './history.ts'
import { type LogInput, type LogOperation, type LogOutput, logModel } from './log-model.ts'
import { findDisorder, type Placed } from './order.ts'

/** A history with all that is needed to judge it again. */
export interface LogHistory {
  /** Where it comes from, for people: the store and the seed. */
  readonly of: string
  /** Where the clock stood at the beginning. */
  readonly clock: number
  readonly operations: readonly LogOperation[]
  /** The whole log at the end. */
  readonly log: readonly Placed[]
}

/** What is wrong with a history, or `undefined`. No verdict is wrong, too. */
export const findFault = ({ clock, operations, log }: LogHistory): string | undefined => {
  const verdict = checkLinearizable(logModel(clock), operations)
  if (verdict.kind === 'undecided') return `no verdict after ${verdict.steps} steps`
  if (verdict.kind === 'linearizable') return findDisorder(operations, log)
  const { part, longest } = verdict
  const placed = new Set(longest)
  const left = part.filter((_, index) => !placed.has(index))
  const returned = Math.min(...left.map((each) => each.returned))
  const next = left.filter(({ called }) => called <= returned).map(describe)
  const count = `${longest.length} of ${part.length} operations find an order`
  return [`it is not linearizable: ${count}, and none of these can come next`, ...next].join('\n  ')
}

const describe = ({ input, output }: Operation<LogInput, LogOutput>): string =>
  `${JSON.stringify(input)} → ${JSON.stringify(output)}`

/** Writes a history down. JSON has no infinity: what was never answered is `null`. */
export const saveHistory = (path: string, history: LogHistory): void =>
  writeFileSync(path, `${JSON.stringify(history, null, 1)}\n`)

/** Reads what `saveHistory` wrote. */
export const loadHistory = (path: string): LogHistory => {
  const history = JSON.parse(readFileSync(path, 'utf8')) as LogHistory
  const operations = history.operations.map((each) => ({
    ...each,
    returned: (each.returned as number | null) ?? Infinity,
  }))
  return { ...history, operations }
}
