/** Cases in which there is too much for the memory of a process: a heap of 128 MB. */
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { blobDigest, sha256Hex } from '@ice/primitives'
import { insist } from './insist.ts'
import { type ExhaustHand, type Flooded, flood, numbered, openLog } from './log-exhaust-hand.ts'

const QUEUE_FULL = `${EVENTS_CODES.unavailable}/queue_full`

const insistShed = ({ kept, refused }: Flooded): void => {
  const reasons = [...refused.keys()].join()
  insist(reasons === QUEUE_FULL, `what was too much was refused with "${reasons}"`)
  insist(kept > 0, 'nothing was kept')
}

/** Floods a log, then appends as if nothing had been. */
const shed = async (
  hand: ExhaustHand,
  count: number,
  unit: (n: number) => ReturnType<typeof numbered>,
): Promise<void> => {
  const { store, log } = openLog(hand.job.path)
  insistShed(await flood(hand, (n) => log.append(unit(n)), count))
  hand.acknowledge(await log.append(unit(count)), count)
  await store.close()
}

const blobUnit = (n: number): ReturnType<typeof numbered> => {
  const bytes = new Uint8Array(1_000_000)
  new DataView(bytes.buffer).setUint32(0, n)
  const digest = blobDigest(sha256Hex(bytes))
  return { ...numbered(n), blobs: [{ digest, bytes }] }
}

/** A reader stops for a while after each page; meanwhile more is appended than it reads. */
const followSlowly = async (hand: ExhaustHand): Promise<void> => {
  const { store, log } = openLog(hand.job.path)
  const { position: before } = await store.head()
  const more = 20_000
  const reading = (async () => {
    let last = 0
    for await (const batch of log.subscribe({})) {
      for (const { position } of batch) {
        insist(position === last + 1, `after ${last} came ${position}`)
        last = position
      }
      if (last >= before + more) return
      await store.head()
    }
  })()
  const { kept } = await flood(hand, (n) => log.append(numbered(n)), more)
  insist(kept === more, `${kept} of ${more} were kept`)
  await reading
  await store.close()
}

const readAll = async ({ job }: ExhaustHand): Promise<void> => {
  const { store, log } = openLog(job.path)
  let last = 0
  for await (const batch of log.readAll({})) last = batch.at(-1)?.position ?? last
  const { position } = await store.head()
  insist(last === position && last > 0, `of ${position} events ${last} were read`)
  await store.close()
}

const verifyAll = async ({ job }: ExhaustHand): Promise<void> => {
  const { store } = openLog(job.path)
  const { findings, events } = await verifyLog(store)
  insist(findings.length === 0 && events > 0, `the log does not verify: ${findings[0]?.message}`)
  await store.close()
}

const SUBSCRIBERS = 5_000

const subscribeOften = async (hand: ExhaustHand): Promise<void> => {
  const { store, log } = openLog(hand.job.path)
  let heard = 0
  let ended = 0
  const following = Array.from({ length: SUBSCRIBERS }, async () => {
    for await (const batch of log.subscribe({})) heard += batch.length
    ended += 1
  })
  hand.acknowledge(await log.append(numbered(0)), 0)
  while (heard < SUBSCRIBERS) await store.head()
  await store.close()
  await Promise.all(following)
  insist(heard === SUBSCRIBERS && ended === SUBSCRIBERS, `${heard} heard it, ${ended} ended`)
}

/** By the names of the cases. */
export const HEAP_CASES: Readonly<Record<string, (hand: ExhaustHand) => Promise<void>>> = {
  'queue-of-small-events': (hand) => shed(hand, 200_000, (n) => numbered(n)),
  'queue-of-large-events': (hand) => shed(hand, 20_000, (n) => numbered(n, 7)),
  'queue-of-blobs': (hand) => shed(hand, 400, blobUnit),
  'subscriber-far-behind': followSlowly,
  'read-of-a-long-log': readAll,
  'verify-of-a-long-log': verifyAll,
  'thousands-of-subscribers': subscribeOften,
}
