/** Rows for the cases, and how they are put into a subject. */

import { deepStrictEqual, ok } from 'node:assert/strict'
import { hasCode, type OwnerId, type RunId, type Timestamp } from '@ice/primitives'
import type { RunPageQuery, RunRow, RunRows } from '../index-ports.ts'

/** Run ids in the order of their numbers. */
export function id(n: number): RunId {
  return `0199c0de-0000-7000-8000-${n.toString(16).padStart(12, '0')}` as RunId
}

export const time = (ms: number): Timestamp => (1_700_000_000_000 + ms) as Timestamp

/** A row that waits for a worker, but for what is told. */
export function row(n: number, told: Partial<RunRow> = {}): RunRow {
  return {
    run: id(n),
    program: { name: 'test', version: '1' },
    state: 'EXECUTING',
    standing: 'ready',
    owner: 'alice' as OwnerId,
    queue: 'default',
    concurrencyKey: null,
    priority: 0,
    parent: null,
    line: id(n),
    continuedAs: null,
    key: null,
    tags: {},
    createdAt: time(n),
    since: time(n),
    at: n,
    until: null,
    deadline: null,
    aborting: false,
    doubts: [],
    listens: [],
    crashes: 0,
    crashedAt: 0,
    ...told,
  }
}

/** Puts rows into new ones. */
export async function fill(rows: RunRows, given: readonly RunRow[]): Promise<void> {
  await rows.move({ from: null, to: { incarnation: 'one', position: 1 }, rows: given })
}

/** The numbers of rows, in their order. */
export function numbers(rows: readonly RunRow[]): readonly number[] {
  return rows.map(({ run }) => Number.parseInt(run.slice(-12), 16))
}

export async function found(rows: RunRows, query: RunPageQuery): Promise<readonly number[]> {
  return numbers(await rows.find(query))
}

/** Compares whole values, whatever their prototypes. */
export function same(actual: unknown, expected: unknown): void {
  deepStrictEqual(structuredClone(actual), structuredClone(expected))
}

/** Asserts that work is refused with a code. */
export async function refused(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  ok(hasCode(error, code), `expected ${code}, got ${String(error)}`)
}
