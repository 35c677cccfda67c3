/** The references of the index, of turns and of ownership are held to their kits. */
import type { OwnerId } from '@ice/primitives'
import { systemClock } from '@ice/primitives'
import { expect, test } from 'vitest'
import {
  type KitCase,
  type KitHarness,
  ownershipCases,
  runKitCase,
  runRowsCases,
  turnsCases,
} from '../src/contract/index.ts'
import { memoryOwnership, memoryRunRows, memoryTurns } from '../src/index.ts'
import type { Ownership, RunRows, Turns } from '../src/ports.ts'

function bind<Subject>(
  cases: readonly KitCase<Subject>[],
  harness: KitHarness<Subject>,
  skips: readonly string[],
): void {
  const skipped: string[] = []
  for (const one of cases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runKitCase(one, harness)) === 'passed') return
      skipped.push(one.id)
      context.skip()
    })
  }
  test(`of ${cases.length} cases ${skips.length} are skipped`, () => {
    expect(skipped).toEqual(skips)
  })
}

const rows: KitHarness<RunRows> = {
  open: async () => memoryRunRows(),
  close: (subject) => subject.close(),
}
bind(runRowsCases, rows, ['rows-outlive-closing', 'rows-are-shared'])

const turns: KitHarness<Turns> = {
  open: async () => memoryTurns({ clock: systemClock }),
  openSecond: async (subject) => subject,
  close: (subject) => subject.close(),
}
bind(turnsCases, turns, [])

const groups = new Map<OwnerId, ReturnType<typeof memoryOwnership>>()
let names = 0

function join(group: ReturnType<typeof memoryOwnership>): Ownership {
  names += 1
  const owner = group.join(`owner-${names}`)
  groups.set(owner.self, group)
  return owner
}

const owners: KitHarness<Ownership> = {
  open: async () => join(memoryOwnership()),
  openSecond: async ({ self }) => join(groups.get(self) as ReturnType<typeof memoryOwnership>),
  close: (subject) => subject.close(),
}
bind(ownershipCases, owners, [])
