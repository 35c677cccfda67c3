/** The kits of projections: a sound store passes them, and every way of breaking one is caught. */
import { readFileSync, writeFileSync } from 'node:fs'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import {
  type ContractCase,
  type Harness,
  type ProcessorSubject,
  processorStoreCases,
  runCase,
  runContract,
  snapshotStoreCases,
} from '../../src/contract/index.ts'
import type { SnapshotStore } from '../../src/projections/ports.ts'
import {
  flawedProcessors,
  PROCESSOR_FLAWS,
  type ProcessorFlaw,
  ProcessorTable,
} from './flawed-processors.ts'
import { FlawedSnapshots, SNAPSHOT_FLAWS, type SnapshotFlaw } from './flawed-snapshots.ts'

/** Written anew with `ICE_UPDATE_FIXTURES=1`; read the difference before it is committed. */
const MATRIX = new URL('../fixtures/projection-saboteurs.json', import.meta.url)

const clock = manualClock(0)

function snapshots(flaw?: SnapshotFlaw): Harness<SnapshotStore> {
  const again = (store: SnapshotStore) =>
    new FlawedSnapshots((store as FlawedSnapshots).table, flaw)
  return {
    clock,
    open: async () => new FlawedSnapshots(new Map(), flaw),
    openSecond: async (store) => again(store),
    async reopen(store) {
      await store.close()
      return again(store)
    },
    close: (store) => store.close(),
  }
}

function processors(flaw?: ProcessorFlaw, asyncWork = true): Harness<ProcessorSubject> {
  const again = (subject: ProcessorSubject) =>
    flawedProcessors((subject as unknown as { table: ProcessorTable }).table, flaw, asyncWork)
  return {
    clock,
    open: async () => flawedProcessors(new ProcessorTable(), flaw, asyncWork),
    openSecond: async (subject) => again(subject),
    async reopen(subject) {
      await subject.store.close()
      return again(subject)
    },
    close: ({ store }) => store.close(),
  }
}

async function isCaught<S>(one: ContractCase<S>, harnesses: readonly Harness<S>[]) {
  for (const harness of harnesses) {
    try {
      await runCase(one, harness)
    } catch {
      return true
    }
  }
  return false
}

interface Row {
  readonly breaks: string
  readonly caughtBy: readonly string[]
}

async function rows<S, F extends string>(
  cases: readonly ContractCase<S>[],
  flaws: Readonly<Record<F, string>>,
  harnessesOf: (flaw: F) => readonly Harness<S>[],
): Promise<Record<string, Row>> {
  const all: Record<string, Row> = {}
  for (const [flaw, breaks] of Object.entries(flaws) as [F, string][]) {
    const caughtBy: string[] = []
    for (const one of cases) if (await isCaught(one, harnessesOf(flaw))) caughtBy.push(one.id)
    all[flaw] = { breaks, caughtBy }
  }
  return all
}

const measured = (async () => ({
  snapshots: await rows(snapshotStoreCases, SNAPSHOT_FLAWS, (flaw) => [snapshots(flaw)]),
  processors: await rows(processorStoreCases, PROCESSOR_FLAWS, (flaw) => [
    processors(flaw),
    processors(flaw, false),
  ]),
}))()

test('sound stores pass every case', async () => {
  const results = [
    ...(await runContract(snapshotStoreCases, snapshots())),
    ...(await runContract(processorStoreCases, processors())),
    ...(await runContract(processorStoreCases, processors(undefined, false))),
  ]
  expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  const skipped = results.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id)
  expect(skipped).toEqual(['processor-sync-work', 'processor-async-work'])
})

test('the matrix of saboteurs and cases is the one that was checked in', async () => {
  const text = `${JSON.stringify(await measured, null, 2)}\n`
  if (process.env['ICE_UPDATE_FIXTURES'] === '1') writeFileSync(MATRIX, text)
  expect(text).toBe(readFileSync(MATRIX, 'utf8'))
})

describe.each([
  ['snapshots', snapshotStoreCases],
  ['processors', processorStoreCases],
] as const)('of stores of %s', (kind, cases) => {
  test('every saboteur is caught, and none by more than a third of the cases', async () => {
    const most = Math.floor(cases.length / 3)
    const counts = Object.entries((await measured)[kind]).map(
      ([id, { caughtBy }]) => [id, caughtBy.length] as const,
    )
    expect(counts.filter(([, count]) => count === 0 || count > most)).toEqual([])
  })

  test('every case catches a saboteur, and ids are told once', async () => {
    const caught = new Set(Object.values((await measured)[kind]).flatMap((row) => row.caughtBy))
    const ids = cases.map(({ id }) => id)
    expect(ids.filter((id) => !caught.has(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })
})
