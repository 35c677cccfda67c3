/**
 * The processes of the benches of many runs. Each says one thing to who started it, in JSON:
 *
 *     many-runs-process.ts empty <folder> 0            memory of a runtime with nothing to do
 *     many-runs-process.ts sleepers <folder> <wakes>   memory while asleep and awake, lags of wakes
 *     many-runs-process.ts holder <folder> <runs>      holds so many unfinished runs, and waits
 *     many-runs-process.ts heir <folder> <runs>        takes them up, once the holder is dead
 *
 * A run is due when its program says, and awake when its program goes on behind the sleep; it is
 * taken up when its effect, which was begun before, is performed. Both are seen from inside.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { createRuntime, type Runtime } from '@ice/runtime'
import { multiply, openGrant, recordOf } from './many-runs.ts'

/** What a process of sleepers saw. */
export interface Slept {
  /** @units bytes of the resident set: the greatest of what was seen */
  readonly asleepBytes: number
  readonly awakeBytes: number
  /** It could wake sleepers before the first was due. */
  readonly wasInTime: boolean
  /** @units milliseconds from when a run was due to when its program went on */
  readonly lags: readonly number[]
}

/** What an heir saw. @units milliseconds since it called `createRuntime` */
export interface Inherited {
  readonly firstMs: number
  readonly allMs: number
}

/** @units runs driven at once by a worker. */
const AT_ONCE = 64
const SETTLE_MS = 2_000

const any = { parse: (value: unknown): unknown => value }

const [role = '', folder = '', count = '0'] = process.argv.slice(2)
const path = `${folder}/log.db`
const wanted = Number(count)

const say = (told: unknown): void => void process.send?.(told)
const rss = (): number => process.memoryUsage.rss()

const lags: number[] = []
let firstDue = Number.POSITIVE_INFINITY

const sleeper = defineProgram({
  name: 'sleeper',
  version: '1',
  input: any,
  output: any,
  async run(ctx, input) {
    const { until } = input as { readonly until: number }
    await ctx.sleep('nap', { until: until as never })
    lags.push(Date.now() - until)
    firstDue = Math.min(firstDue, until)
    return null
  },
})

const worker = defineProgram({
  name: 'worker',
  version: '1',
  input: any,
  output: any,
  run: (ctx) => ctx.effect('work', { action: 'bench.work', grant: 'tool', arguments: {} }),
})

function handler(perform: EffectHandler['perform']): EffectHandler {
  return {
    action: 'bench.work',
    fate: 'idempotent',
    outcome: 'EffectSucceeded',
    arguments: { parse: (value) => value as never },
    resource: () => ({ name: 'work' }),
    perform,
  }
}

async function empty(): Promise<void> {
  const ice = await createRuntime({ path, bare: true, programs: [sleeper] })
  await ice.supervise({ concurrency: AT_ONCE })
  await pause(SETTLE_MS)
  say(rss())
  await ice.close()
}

async function sleepers(): Promise<void> {
  const ice = await createRuntime({ path, bare: true, programs: [sleeper] })
  const supervisor = await ice.supervise({ concurrency: AT_ONCE, onError: fail })
  while (!supervisor.status().ready) await pause(5)
  const readyAt = Date.now()
  let asleepBytes = 0
  let awakeBytes = 0
  const endBy = readyAt + 120_000
  while (lags.length < wanted && Date.now() < endBy) {
    await pause(50)
    if (lags.length === 0) asleepBytes = Math.max(asleepBytes, rss())
    else awakeBytes = Math.max(awakeBytes, rss())
  }
  if (lags.length < wanted) throw new RangeError(`${lags.length} of ${wanted} woke in two minutes`)
  say({ asleepBytes, awakeBytes, wasInTime: readyAt < firstDue, lags } satisfies Slept)
  await ice.close()
}

/** Holds runs in the middle of an effect: one is driven there, the others have its record. */
async function holder(): Promise<void> {
  let begin: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const never = handler(() => {
    begin()
    return new Promise(() => undefined)
  })
  const ice = await createRuntime({ path, bare: true, effects: [never], programs: [worker] })
  const tool = await openGrant(ice, 'bench.work', 'work')
  const run = await ice.runs.start(worker, {}, { grants: { tool } })
  ice.runs.drive(run).catch(fail)
  await begun
  await multiply(ice, await recordOf(ice, run), { count: wanted - 1 })
  // The index is as far as that of a worker that was at work until then.
  await catchUp(ice)
  say('held')
  await pause(600_000)
}

async function heir(): Promise<void> {
  const began = performance.now()
  const times = new Map<string, number>()
  let done: () => void = () => undefined
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  const works = handler(async (call) => {
    if (!times.has(call.run)) times.set(call.run, performance.now() - began)
    if (times.size === wanted) done()
    return { value: null, observed: {} }
  })
  const ice = await createRuntime({ path, bare: true, effects: [works], programs: [worker] })
  await ice.supervise({ concurrency: AT_ONCE, onError: fail })
  const late = AbortSignal.timeout(120_000)
  late.addEventListener('abort', () => fail(new RangeError(`${times.size} were taken up`)))
  await all
  const seen = [...times.values()]
  say({ firstMs: seen[0] ?? 0, allMs: seen.at(-1) ?? 0 } satisfies Inherited)
  await ice.close()
}

async function catchUp(ice: Runtime): Promise<void> {
  await (await ice.index()).catchUp()
}

function fail(error: unknown): never {
  process.stderr.write(`${String(error)}\n`)
  process.exit(1)
}

const ROLES: Readonly<Record<string, () => Promise<void>>> = { empty, sleepers, holder, heir }
await ROLES[role]?.().catch(fail)
process.disconnect?.()
