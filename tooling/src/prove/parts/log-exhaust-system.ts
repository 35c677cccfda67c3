/** Cases in which the system has no more: 256 descriptors, a disk of 16 MB. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { EVENTS_CODES } from '@ice/events'
import type { SqliteEventStore } from '@ice/events-sqlite'
import { insist } from './insist.ts'
import { type ExhaustHand, numbered, openLog, reasonOf, refusalOf } from './log-exhaust-hand.ts'

const { unavailable } = EVENTS_CODES

/** Opens logs until no more can be, and some of them again after others were closed. */
const openTooMany = async (hand: ExhaustHand): Promise<void> => {
  const { path } = hand.job
  const { log, store } = openLog(path)
  const opened: SqliteEventStore[] = []
  const openNext = (): void => {
    opened.push(openLog(`${path}-${opened.length}`).store)
  }
  let reason = ''
  while (reason === '' && opened.length < 1_000) {
    reason = await refusalOf(openNext).catch(() => '')
  }
  insist(reason.startsWith(`${unavailable}/`), `the next log was refused with "${reason}"`)
  hand.acknowledge(await log.append(numbered(0)), 0)
  for (const each of opened.splice(opened.length / 2)) await each.close()
  openNext()
  hand.acknowledge(await log.append(numbered(1)), 1)
  for (const each of [store, ...opened]) await each.close()
}

/** Others take every descriptor there is, and give them back. */
const takeDescriptors = async (hand: ExhaustHand): Promise<void> => {
  const { path } = hand.job
  const { log, store } = openLog(path)
  hand.acknowledge(await log.append(numbered(0)), 0)
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch (error) {
    insist((error as NodeJS.ErrnoException).code === 'EMFILE', String(error))
  }
  for (let n = 1; n < 100; n += 1) hand.acknowledge(await log.append(numbered(n, 3)), n)
  const refused = await refusalOf(() => store.backup(`${path}-backup`))
  insist(refused.startsWith(`${unavailable}/`), `a backup was refused with "${refused}"`)
  for (const descriptor of taken) closeSync(descriptor)
  insist(!existsSync(`${path}-backup`), 'a backup that was refused is there')
  const { head } = await store.backup(`${path}-backup`)
  insist(head === 100, `the backup ends at ${head}`)
  await store.close()
}

/** Takes room on the disk, to give it back. @units bytes */
const BALLAST = 2_000_000

/** The log stands on the small disk; what it came to is left where others can see it. */
const onFullDisk = async (
  hand: ExhaustHand,
  whileFull: (opened: ReturnType<typeof openLog>, path: string) => Promise<void>,
): Promise<void> => {
  const path = join(hand.job.path, '..', 'disk', 'log.db')
  const ballast = join(dirname(path), 'ballast')
  writeFileSync(ballast, new Uint8Array(BALLAST))
  const opened = openLog(path)
  let n = 0
  let reason = ''
  while (reason === '') {
    try {
      hand.acknowledge(await opened.log.append(numbered(n, n % 8)), n)
      n += 1
    } catch (error) {
      reason = reasonOf(error)
    }
  }
  insist(reason === `${unavailable}/disk_full`, `a full disk was told as "${reason}"`)
  const { position } = await opened.store.head()
  insist(position === n, `${n} were acknowledged, the log ends at ${position}`)
  await whileFull(opened, path)
  rmSync(ballast)
  for (let more = 0; more < 20; more += 1, n += 1) {
    hand.acknowledge(await opened.log.append(numbered(n, 1)), n)
  }
  await opened.store.close()
  copyFileSync(path, hand.job.path)
}

const readsWhileFull = async ({ log }: ReturnType<typeof openLog>): Promise<void> => {
  let last = 0
  for await (const batch of log.readAll({})) last = batch.at(-1)?.position ?? last
  insist(last > 0, 'nothing could be read')
  const reason = await refusalOf(async () => {
    for (let n = 0; ; n += 1) await log.append(numbered(n, 7))
  })
  insist(reason === `${unavailable}/disk_full`, `another unit was refused with "${reason}"`)
}

const leavesNothing = async (folder: string, act: () => unknown): Promise<void> => {
  const before = readdirSync(folder).sort().join()
  const reason = await refusalOf(act)
  insist(reason.startsWith(`${unavailable}/`), `it was refused with "${reason}"`)
  const after = readdirSync(folder).sort().join()
  insist(before === after, `there were ${before}, and are ${after}`)
}

/** By the names of the cases. */
export const DESCRIPTOR_CASES: Readonly<Record<string, (hand: ExhaustHand) => Promise<void>>> = {
  'hundreds-of-logs': openTooMany,
  'no-descriptor-left': takeDescriptors,
}

/** By the names of the cases. */
export const DISK_CASES: Readonly<Record<string, (hand: ExhaustHand) => Promise<void>>> = {
  'full-disk': (hand) => onFullDisk(hand, readsWhileFull),
  'backup-to-a-full-disk': (hand) =>
    onFullDisk(hand, ({ store }, path) =>
      leavesNothing(dirname(path), () => store.backup(`${path}-backup`)),
    ),
  'new-log-on-a-full-disk': (hand) =>
    onFullDisk(hand, (_, path) => leavesNothing(dirname(path), () => openLog(`${path}-other`))),
}
