/**
 * R13: too little of something. A process with a heap of 128 MB, 256 descriptors or a disk of 16 MB
 * is asked for more: it must refuse with a code, keep what it acknowledged, and go on in the same
 * process once there is enough again.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifyLog } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock } from '@ice/primitives'
import { makeCases, scratch, total } from './log-cases.ts'
import { type ExhaustJob, flood, numbered, openLog } from './log-exhaust-hand.ts'
import { HEAP_CASES } from './log-exhaust-heap.ts'
import { DESCRIPTOR_CASES, DISK_CASES } from './log-exhaust-system.ts'
import type { LogPart, LogPartInit } from './log-part.ts'
import { type Ending, runScript } from './log-process.ts'

/** So often every case, for a release. */
const ROUNDS_FULL = 25

const HEAP_MB = 128
const DESCRIPTORS = 256
const DISK_MB = 16

const CLAIM = 'too little memory, descriptors or disk is told by a code, and nothing is lost by it'

const child = fileURLToPath(new URL('./log-exhaust-child.ts', import.meta.url))

/** Logs that cases begin with: so many events of so many lines. */
const BASES: Readonly<Record<string, readonly [events: number, lines: number]>> = {
  'subscriber-far-behind': [60_000, 0],
  'read-of-a-long-log': [5_000, 7],
  'verify-of-a-long-log': [5_000, 7],
}

/** A shell in a space of its own, where a small disk is mounted before the case begins. */
const ON_SMALL_DISK = [
  ...['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'],
  `mount -t tmpfs -o size=${DISK_MB}m tmpfs "$0" && exec "$@"`,
] as const

const canMount = (base: string): boolean => {
  const [command, ...args] = ON_SMALL_DISK
  return spawnSync(command, [...args, base, 'true']).status === 0
}

/** A disk that is really full is among the failing calls; the others are here. */
const FULL_DISK = 'full-disk'

const NO_DISK = 'no disk may be mounted in a space of its own'

/** Proves R13. */
export const proveExhaustion: LogPart = async (context, init) => {
  const names = [...Object.keys(HEAP_CASES), ...Object.keys(DESCRIPTOR_CASES)]
  const onDisk = Object.keys(DISK_CASES).filter((name) => name !== FULL_DISK)
  await exhaust(context, init, { claim: CLAIM, names, onDisk })
}

/** Proves what R2 says of a disk that is full. */
export const proveFullDisk: LogPart = async (context, init) => {
  const claim = `a disk of ${DISK_MB} MB that is full is told, and nothing is lost by it`
  await exhaust(context, init, { claim, names: [], onDisk: [FULL_DISK] })
}

interface Exhaustion {
  readonly claim: string
  readonly names: readonly string[]
  /** Cases that need a small disk. */
  readonly onDisk: readonly string[]
}

const exhaust = async (
  context: Parameters<LogPart>[0],
  { seed, full, only, again }: LogPartInit,
  { claim, names, onDisk }: Exhaustion,
): Promise<void> => {
  const base = scratch('exhaust')
  try {
    const hasDisk = canMount(base)
    if (!hasDisk) for (const name of onDisk) context.skip(name, NO_DISK)
    const possible = hasDisk ? [...names, ...onDisk] : names
    const rounds = Array.from({ length: full ? ROUNDS_FULL : 1 }, (_, round) => round)
    const cases = rounds
      .flatMap((round) => possible.map((name) => `${name}/${round}`))
      .filter((name) => only === undefined || name === only)
    if (cases.length === 0) return
    const { progress } = context
    await makeBases(base, { cases, progress })
    await context.check(claim, async () => {
      const make = (name: string, folder: string): Promise<Held> =>
        hold(name, { folder, base, seed })
      const nameOf = (name: string): string => name
      const held = await makeCases({ cases, nameOf, make, base, again, progress })
      const acknowledged = total(held, (each) => each.acknowledged)
      context.say(`  ${held.length} cases held; ${acknowledged} acknowledged events are there`)
      return held.length
    })
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const baseOf = (base: string, events: number, lines: number): string =>
  join(base, `base-${events}-${lines}.db`)

const makeBases = async (
  base: string,
  init: { readonly cases: readonly string[]; readonly progress: (status: string) => void },
): Promise<void> => {
  for (const [name, [events, lines]] of Object.entries(BASES)) {
    const path = baseOf(base, events, lines)
    const isWanted = init.cases.some((each) => each.startsWith(`${name}/`))
    if (!isWanted || existsSync(path)) continue
    init.progress(`writing a log of ${events} events`)
    const { store, log } = openLog(path)
    const hand = { job: jobOf('', base, ''), acknowledge: () => undefined }
    for (let at = 0; at < events; at += 500) {
      await flood(hand, (n) => log.append(numbered(n, lines)), 500)
    }
    await store.close()
  }
}

const jobOf = (name: string, folder: string, seed: string): ExhaustJob => ({
  name,
  seed,
  path: join(folder, 'log.db'),
  witness: join(folder, 'witness'),
})

interface Held {
  readonly acknowledged: number
}

interface HoldInit {
  readonly folder: string
  readonly base: string
  readonly seed: string
}

const hold = async (which: string, { folder, base, seed }: HoldInit): Promise<Held> => {
  const [name = ''] = which.split('/')
  const disk = join(folder, 'disk')
  mkdirSync(disk, { recursive: true })
  const job = jobOf(name, folder, `${seed}/${which}`)
  const begin = BASES[name]
  if (begin !== undefined) copyFileSync(baseOf(base, ...begin), job.path)
  const { code, signal, stderr } = await runLimited(job, disk)
  if (code !== 0) throw new Error(`it ended with ${signal ?? code}: ${stderr.slice(-1_500)}`)
  return { acknowledged: await judgeNumbers(job) }
}

const runLimited = (job: ExhaustJob, disk: string): Promise<Ending> => {
  const before: string[] = []
  if (job.name in DISK_CASES) before.push(...ON_SMALL_DISK, disk)
  if (job.name in DESCRIPTOR_CASES) before.push('prlimit', `--nofile=${DESCRIPTORS}`)
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` }
  return runScript(child, [JSON.stringify(job)], { before, env })
}

/** The log verifies, and each number stands where it was acknowledged to stand. */
const judgeNumbers = async ({ path, witness }: ExhaustJob): Promise<number> => {
  const lines = readFileSync(witness, 'utf8').split('\n').slice(0, -1)
  const numbers = new Map(lines.map((line) => line.split(' ').map(Number) as [number, number]))
  const store = openSqliteEventStore({ path, clock: systemClock })
  try {
    const { findings } = await verifyLog(store)
    if (findings.length > 0) throw new Error(`the log does not verify: ${findings[0]?.message}`)
    for await (const batch of store.readAll({})) {
      for (const { position, bytes } of batch) {
        const n = numbers.get(position)
        if (n === undefined) continue
        const { data } = JSON.parse(bytes) as { readonly data: { readonly n: number } }
        if (data.n !== n)
          throw new Error(`${n} was acknowledged at ${position}: ${data.n} is there`)
        numbers.delete(position)
      }
    }
    const [missing] = numbers.keys()
    if (missing !== undefined) throw new Error(`${numbers.size} are missing, ${missing} the first`)
    return lines.length
  } finally {
    await store.close()
  }
}
