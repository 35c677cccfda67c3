/**
 * Seeded ids: real UUIDv7 that come out the same in every run of a test.
 */
import type { Clock } from '../clock.ts'
import { timestamp } from '../numbers.ts'
import { seededRandom } from '../random.ts'
import { createIds, type Ids } from '../uuid.ts'

/** When seeded ids begin without a clock: 2025-01-01T00:00:00Z. */
const START_MS = 1_735_689_600_000

/**
 * Ids that depend on the seed and the clock alone.
 *
 * @param clock - stands still at 2025-01-01T00:00:00Z when left out
 */
export function seededIds(seed: string, clock?: Pick<Clock, 'now'>): Ids {
  const still = { now: () => timestamp(START_MS) }
  return createIds({ clock: clock ?? still, random: seededRandom(seed) })
}
