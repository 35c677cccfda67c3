/**
 * The contract kit: what every `EventStore` has to do, as cases that any runner can bind.
 *
 *     import { eventStoreCases, runCase } from '@ice/events/contract'
 *     for (const one of eventStoreCases) {
 *       test(`${one.requirement} ${one.name}`, async (context) => {
 *         if ((await runCase(one, harness)) === 'skipped') context.skip()
 *       })
 *     }
 */

import type { EventStore } from '../ports.ts'
import { appendCases } from './append.ts'
import { blobCases } from './blobs.ts'
import type { ContractCase } from './case.ts'
import { causalityCases } from './causality.ts'
import { checkingCases } from './checking.ts'
import { closingCases } from './closing.ts'
import { collectingCases } from './collecting.ts'
import { concurrencyCases } from './concurrency.ts'
import { conditionCases } from './guards.ts'
import { harnessCases } from './harness-check.ts'
import { lifecycleCases } from './lifecycle.ts'
import { limitCases } from './limits.ts'
import { orderCases } from './order.ts'
import { readCases } from './read.ts'
import { readAllCases } from './read-all.ts'
import { retryCases } from './retry.ts'
import { sharedCases } from './shared.ts'
import { stagingCases } from './staging.ts'
import { subscribeCases } from './subscribe.ts'
import { timeCases } from './times.ts'
import { versionCases } from './versions.ts'

export {
  type CaseResult,
  type ContractCase,
  type Damage,
  type Harness,
  type KitClock,
  runCase,
  runContract,
} from './case.ts'

export { type ProcessorSubject, processorStoreCases } from './projections/processor-store.ts'
export { snapshotStoreCases } from './projections/snapshot-store.ts'

/** Every case of the `EventStore` contract. */
export const eventStoreCases: readonly ContractCase<EventStore>[] = [
  ...harnessCases,
  ...appendCases,
  ...versionCases,
  ...conditionCases,
  ...retryCases,
  ...orderCases,
  ...timeCases,
  ...causalityCases,
  ...concurrencyCases,
  ...limitCases,
  ...readCases,
  ...readAllCases,
  ...subscribeCases,
  ...blobCases,
  ...stagingCases,
  ...collectingCases,
  ...lifecycleCases,
  ...closingCases,
  ...checkingCases,
  ...sharedCases,
]
