/**
 * UUIDv7: ids that sort by the time they were made (RFC 9562 §5.7).
 *
 *     48 bits  epoch milliseconds        12 bits  rand_a      62 bits  rand_b
 *     tttttttt-tttt-7aaa-bbbb-bbbbbbbbbbbb
 *
 * Ids of one `Ids` increase strictly, also while the clock stands still or goes back: rand_a and
 * the upper 30 bits of rand_b are one counter of 42 bits (§6.2, method 1), seeded at random with
 * its top bit clear in each new millisecond, and counted up by one otherwise. Should it run over,
 * the time in the ids goes one millisecond ahead of the clock. 32 bits stay random in each id.
 *
 * The trap: time-ordered random ids made in one millisecond come out shuffled, and events that
 * refer to each other then sort against their causes.
 */
import type { Clock } from './clock.ts'
import { invariant } from './ice-error.ts'
import type { GrantId, RunId } from './ids.ts'
import { UUID_TIME_MS_MAX } from './limits.ts'
import type { Random } from './random.ts'

const COUNTER_LOW = 0x4000_0000 // 2^30: the part of the counter that lies in rand_b
const COUNTER_LIMIT = 0x1000 * COUNTER_LOW // 2^42

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/** Lays out the fields; `counter` has 42 bits, `tail` 32. */
function format(ms: number, counter: number, tail: number): string {
  const time = hex(ms, 12)
  const low = counter % COUNTER_LOW
  const variant = hex(0x8000 + (low >>> 16), 4)
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-${hex(0x7000 + Math.floor(counter / COUNTER_LOW), 4)}` +
    `-${variant}-${hex(low & 0xffff, 4)}${hex(tail, 8)}`
  )
}

function checkTime(ms: number): void {
  const fine = Number.isInteger(ms) && ms >= 0 && ms <= UUID_TIME_MS_MAX
  invariant(fine, `the time of a UUIDv7 has 48 bits, not ${ms}`)
}

/** A number of `bits` random bits; `bits` is 33 to 53. */
function randomBits(random: Random, bits: number): number {
  return Math.floor(random.float() * 2 ** bits)
}

/**
 * One UUIDv7 with 74 random bits; in no order with others of its millisecond.
 *
 * @param clockMs - 0 to 2^48 - 1, anything else is a bug
 * @units epoch milliseconds, UTC
 * @source RFC 9562 §5.7
 */
export function uuidv7(clockMs: number, random: Random): string {
  checkTime(clockMs)
  return format(clockMs, randomBits(random, 42), random.uint32())
}

/** Where ids take time and chance from. */
export interface IdsOptions {
  /** Only `now` is used. */
  readonly clock: Pick<Clock, 'now'>
  /** `systemRandom`, unless the ids must repeat. */
  readonly random: Random
}

/** A maker of UUIDv7 that increase strictly. */
export interface Ids {
  /** The next id: greater, as text, than every id made here before. */
  next(): string
  /** The next id, as the id of a run. */
  nextRunId(): RunId
  /** The next id, as the id of a grant. */
  nextGrantId(): GrantId
}

/**
 * Makes ids that increase strictly within this maker, whatever the clock does.
 *
 * After a clock that was set back, ids keep the latest time seen until the clock has passed it.
 *
 * @source RFC 9562 §6.2, method 1
 */
export function createIds({ clock, random }: IdsOptions): Ids {
  let lastMs = -1
  let counter = 0
  const next = (): string => {
    const ms = clock.now()
    if (ms > lastMs) {
      checkTime(ms)
      lastMs = ms
      counter = randomBits(random, 41)
    } else {
      counter += 1
      if (counter === COUNTER_LIMIT) {
        lastMs += 1
        counter = randomBits(random, 41)
      }
    }
    return format(lastMs, counter, random.uint32())
  }
  return { next, nextRunId: () => next() as RunId, nextGrantId: () => next() as GrantId }
}
