/**
 * The machine's own clock and randomness: the one file of all packages that may touch them.
 *
 * Everything else takes a `Clock` and a `Random`, so that a run can be repeated and a test can
 * put a year into a millisecond.
 *
 * The trap: a host timer of more than 2^31 - 1 ms fires at once, and any host timer may fire a
 * fraction early. Waits are cut into pieces and measured with the monotonic clock.
 */
import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { type Clock, checkWait, type SleepOptions } from './clock.ts'
import { AbortedError } from './errors.ts'
import { RANDOM_BYTES_MAX, TIMER_MS_MAX } from './limits.ts'
import { type Timestamp, timestamp } from './numbers.ts'
import { checkRandomLength, floatFromWords, type Random } from './random.ts'

/** The machine's time. A wait keeps the process alive until it ends. */
export const systemClock: Clock = {
  now: (): Timestamp => timestamp(Date.now()),
  monotonicMs: (): number => performance.now(),
  sleep,
}

async function sleep(ms: number, options: SleepOptions = {}): Promise<void> {
  checkWait(ms)
  const end = performance.now() + ms
  let left = ms
  do {
    await timer(Math.min(Math.ceil(left), TIMER_MS_MAX), options.signal)
    left = end - performance.now()
  } while (left > 0)
}

/** One host timer; on abort it is cleared, and the listener goes with the timer. */
function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new AbortedError({ cause: signal.reason }))
      return
    }
    const abort = (): void => {
      clearTimeout(handle)
      reject(new AbortedError({ cause: signal?.reason }))
    }
    const handle = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Waits until all promises that can settle without input or time have settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Random bytes are fetched in blocks: one call into the operating system costs a microsecond. */
const block: Uint8Array = new Uint8Array(RANDOM_BYTES_MAX)
let used: number = block.length

/** The machine's randomness: fit for secrets. Bytes handed out are wiped from the block. */
export const systemRandom: Random = {
  bytes(length: number): Uint8Array {
    checkRandomLength(length)
    if (used + length > block.length) {
      randomFillSync(block)
      used = 0
    }
    const bytes = block.slice(used, used + length)
    block.fill(0, used, used + length)
    used += length
    return bytes
  },
  uint32: (): number => word(systemRandom.bytes(4)),
  float: (): number => {
    const bytes = systemRandom.bytes(8)
    return floatFromWords(word(bytes.subarray(0, 4)), word(bytes.subarray(4)))
  },
}

function word(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
}
