/**
 * What a test's process needs before it loads a source with mutants: which one is on, and a note
 * of those that were met.
 *
 * The folder `ICE_MUTANTS` holds `active`, the number of the mutant that is on (0: none), and gets
 * `hits-<pid>-<n>.json` for each file of tests where none is on.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { afterAll, expect } from 'vitest'

/** @units passes through loops of the sources, in one file of tests: no mutant, no way near. */
const PASSES_MAX = 200_000_000

const folder = String(process.env['ICE_MUTANTS'])
const active = Number(readFileSync(join(folder, 'active'), 'utf8'))
const hits = new Set<number>()
let passes = 0

Object.assign(globalThis, {
  __m: (id: number): boolean => {
    if (active === 0) hits.add(id)
    return id === active
  },
  __l: (): void => {
    passes += 1
    if (passes > PASSES_MAX) throw new RangeError('a loop does not end')
  },
})

afterAll(() => {
  if (active !== 0) return
  const { testPath } = expect.getState()
  const name = `hits-${process.pid}-${threadId}-${hits.size}.json`
  writeFileSync(join(folder, name), JSON.stringify({ testPath, hits: [...hits] }))
})
