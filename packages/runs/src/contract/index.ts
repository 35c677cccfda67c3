/**
 * The contract kits of this room, as cases that any runner can bind:
 *
 *     import { runRowsCases } from '@ice/runs/contract'
 *     for (const one of runRowsCases) {
 *       test(`${one.requirement} ${one.name}`, async (context) => {
 *         if ((await runKitCase(one, harness)) === 'skipped') context.skip()
 *       })
 *     }
 */

import type { RunRows } from '../index-ports.ts'
import type { KitCase } from './case.ts'
import { findCases } from './find.ts'
import { keepingCases } from './keeping.ts'
import { readyCases } from './ready.ts'

export { type KitCase, type KitHarness, runKitCase } from './case.ts'
export { ownershipCases } from './ownership.ts'
export { turnsCases } from './turns.ts'

/** Every case of the `RunRows` contract. */
export const runRowsCases: readonly KitCase<RunRows>[] = [
  ...keepingCases,
  ...findCases,
  ...readyCases,
]
