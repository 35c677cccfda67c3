/** The stores of projections in memory are held to their contracts. */
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import {
  type Harness,
  type ProcessorSubject,
  processorStoreCases,
  runCase,
  snapshotStoreCases,
} from '../../src/contract/index.ts'
import { memorySnapshotStore } from '../../src/projections/memory.ts'
import type { SnapshotStore } from '../../src/projections/ports.ts'
import { memorySubject } from './subject.ts'

const clock = manualClock(0)

const snapshots: Harness<SnapshotStore> = {
  clock,
  open: async () => memorySnapshotStore(),
  close: (store) => store.close(),
}

const processors: Harness<ProcessorSubject> = {
  clock,
  open: async () => memorySubject(),
  close: ({ store }) => store.close(),
}

for (const one of snapshotStoreCases) {
  test(`${one.requirement} ${one.name}`, async (context) => {
    if ((await runCase(one, snapshots)) === 'skipped') context.skip()
  })
}

for (const one of processorStoreCases) {
  test(`${one.requirement} ${one.name}`, async (context) => {
    if ((await runCase(one, processors)) === 'skipped') context.skip()
  })
}
