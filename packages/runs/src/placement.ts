/** Where a run waits for a worker, in which order, and until when: as its start said. */

import type { Timestamp } from '@ice/primitives'
import type { StartOptions } from './ports.ts'

/** What `RunCreated` says of it. */
export type Placement = Pick<StartOptions, 'concurrencyKey' | 'deadline' | 'priority' | 'queue'>

/** As it stands in an event, where times are numbers. */
interface Told {
  readonly queue?: string | undefined
  readonly concurrencyKey?: string | undefined
  readonly priority?: number | undefined
  readonly deadline?: number | undefined
}

/** The members that are there, and no others. */
export function placementOf({ queue, concurrencyKey, priority, deadline }: Told): Placement {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadline: deadline as Timestamp }),
  }
}
