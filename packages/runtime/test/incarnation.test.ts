/** Verifies: RTM-R03, RUN-R17 */
import {
  composeTaxonomy,
  createEventLog,
  type EventStore,
  exportLog,
  importLog,
  memoryEventStore,
  standardTypes,
} from '@ice/events'
import { systemClock as clock, hasCode, type RunId, type StreamVersion } from '@ice/primitives'
import { defineProgram, doubtOpenEffects, memoryOwnership } from '@ice/runs'
import type { EffectHandler, Fate } from '@ice/runs/ports'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { beginIncarnation, createRuntime, type Runtime } from '../src/index.ts'

const taxonomy = composeTaxonomy([...standardTypes])
const FATES: readonly Fate[] = ['observe', 'idempotent', 'irreversible']

/** One action of each fate: it answers, or it never does. */
function handlers(tried: string[], answers: boolean): readonly EffectHandler[] {
  return FATES.map((fate) => ({
    action: fate,
    fate,
    outcome: 'EffectSucceeded',
    arguments: z.strictObject({}),
    resource: () => ({ name: fate }),
    perform: async ({ attempt }) => {
      tried.push(`${fate} ${attempt}`)
      if (!answers) await new Promise(() => undefined)
      return { value: fate, observed: {} }
    },
  }))
}

const program = defineProgram({
  name: 'three',
  version: '1',
  input: z.unknown(),
  output: z.array(z.string()),
  run: (ctx) =>
    Promise.all(
      FATES.map((action) => ctx.effect<string>(action, { action, grant: 'all', arguments: {} })),
    ),
})
const resource = { kind: 'tool', names: [...FATES] }
const grants = { all: { actions: [...FATES], resource } }

async function open(store: EventStore, effects: readonly EffectHandler[]): Promise<Runtime> {
  const ownership = memoryOwnership().join(store.incarnation)
  return createRuntime({ store, ownership, effects, programs: [program], bare: true })
}

async function typesOf({ store }: { readonly store: EventStore }, stream: string) {
  const log = createEventLog({ store, taxonomy, clock })
  const events: { type: string; data: unknown }[] = []
  for await (const batch of log.read({ stream: stream as never })) events.push(...batch)
  return events
}

/** A log with a run whose effects have begun and not ended, and the copy of it. */
async function openRun(): Promise<{ copy: EventStore; run: RunId; from: EventStore }> {
  const from = memoryEventStore({ clock, incarnation: 'first-life' })
  const tried: string[] = []
  const ice = await open(from, handlers(tried, false))
  const run = await ice.runs.start(program, null, { grants })
  const stop = new AbortController()
  void ice.runs.drive(run, { signal: stop.signal }).catch(() => undefined)
  await expect.poll(() => tried.length, { interval: 2 }).toBe(3)
  const copy = memoryEventStore({ clock, incarnation: 'second-life' })
  await importLog(copy, exportLog(from), { taxonomy })
  stop.abort()
  return { copy, run, from }
}

test('a copied log begins another life, in which everything open is in doubt', async () => {
  const { copy: store, run, from } = await openRun()
  const { position: head } = await store.head()
  const root = 'ab'.repeat(32) as never
  const init = { store, clock, how: 'backup', from: from.incarnation, head, root } as const
  expect(await beginIncarnation(init)).toEqual({
    ...{ incarnation: 'second-life', runs: 1, doubts: 3 },
  })
  const own = await typesOf({ store }, 'runtime/log')
  expect(own.map(({ type }) => type)).toEqual([
    ...['LogConfigured', 'TaxonomyAdopted', 'LogConfigured', 'LogRestored'],
  ])
  expect(own.slice(2).map(({ data }) => data)).toEqual([
    {
      durability: 'memory',
      incarnation: 'second-life',
      since: expect.any(Number),
      store: 'sqlite',
    },
    { how: 'backup', from: 'first-life', incarnation: 'second-life', head, root, doubts: 3 },
  ])
  // It has begun: nothing more is recorded, even of what is open now.
  const after = await store.head()
  expect(await beginIncarnation(init)).toBe(null)
  expect(await store.head()).toEqual(after)

  const tried: string[] = []
  const ice = await open(store, handlers(tried, true))
  const held = {
    kind: 'quarantined',
    quarantine: { error: { code: 'ICE_RUNS_RESTORED_CONFLICT' } },
  }
  expect(await ice.runs.drive(run)).toMatchObject(held)
  expect(tried).toEqual([])
  await ice.runs.release(run, { reason: 'looked at what it did' })
  expect(await ice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
  expect([tried, (await ice.runs.view(run)).inDoubt.toSorted()]).toEqual([[], FATES.toSorted()])
  const evidence = 'looked'
  await ice.runs.resolveDoubt(run, { effect: 'observe', happened: false, evidence })
  await ice.runs.resolveDoubt(run, { effect: 'idempotent', happened: false, evidence })
  const told = { happened: true, result: 'told', evidence }
  await ice.runs.resolveDoubt(run, { effect: 'irreversible', ...told })
  expect(await ice.runs.drive(run)).toMatchObject({
    result: { conclusion: 'committed', value: ['observe', 'idempotent', 'told'] },
  })
  expect(tried).toEqual(['observe 2', 'idempotent 2'])
})

test('a beginning that was interrupted is completed', async () => {
  const { copy: store, run, from } = await openRun()
  const log = createEventLog({ store, taxonomy, clock })
  const [intent] = (await typesOf({ store }, `run/${run}`)).flatMap(({ type }, i) =>
    type === 'CapabilityUsed' ? [`run/${run}@${i + 1}`] : [],
  )
  const view = await (await open(store, [])).runs.view(run)
  const data = { effect: 'observe', attempt: 1, intent: intent ?? '' }
  const events = [{ type: 'EffectInDoubt', data }]
  const expectedVersion = view.version as StreamVersion
  await log.append({ writes: [{ stream: `run/${run}` as never, expectedVersion, events }] })
  const { position: head } = await store.head()
  const init = { store, clock, how: 'import', from: from.incarnation, head } as const
  const began = await beginIncarnation({ ...init, root: 'ab'.repeat(32) as never })
  expect(began).toMatchObject({ doubts: 3 })
  const doubts = (await typesOf({ store }, `run/${run}`)).filter(
    ({ type }) => type === 'EffectInDoubt',
  )
  expect(doubts.length).toBe(3)
  expect(await doubtOpenEffects(log)).toEqual({ runs: 1, doubts: 3 })
})

test('a log in the life it was taken from is refused', async () => {
  const { from: store } = await openRun()
  const { position: head } = await store.head()
  const init = { store, clock, how: 'backup', from: store.incarnation, head } as const
  const error = await beginIncarnation({ ...init, root: 'ab'.repeat(32) as never }).catch(
    (thrown: unknown) => thrown,
  )
  expect(hasCode(error, 'ICE_RUNTIME_INCARNATION_CONFLICT')).toBe(true)
  expect(await store.head()).toEqual({ position: head })
})

test('runs that are over, or that follow no lifecycle, are no hindrance', async () => {
  const store = memoryEventStore({ clock })
  const log = createEventLog({ store, taxonomy, clock })
  const append = (name: string, ...events: { type: string; data: unknown }[]) =>
    log.append({
      writes: [{ stream: `run/${name}` as never, expectedVersion: 'any', events }],
    })
  const uuid = '0192a1b2-c3d4-7000-8000-000000000001'
  const digest = 'ab'.repeat(32)
  const used = (effect: string) => ({
    type: 'CapabilityUsed',
    data: {
      ...{ effect, attempt: 1, action: 'a', resource: {}, arguments: { inline: null } },
      ...{ argumentsDigest: digest, grant: uuid, chain: [uuid], basis: [], fate: 'observe' },
    },
  })
  const common = { effect: 'e', attempt: 1, intent: 'run/x@1' }
  const failed = {
    type: 'EffectFailed',
    data: { ...common, error: { code: 'X', message: '', retryable: false } },
  }
  const succeeded = {
    type: 'EffectSucceeded',
    data: { ...common, result: { inline: 1 }, observed: {} },
  }
  const over = { type: 'RunTerminated', data: { conclusion: 'aborted', doubts: [] } }
  await append('a', used('e'), failed)
  await append('b', used('e'), succeeded)
  await append('c', used('e'), over)
  await append('d', over, used('e'))
  await append('e', succeeded, { type: 'EffectInDoubt', data: common }, used('e'), used('f'))
  expect(await doubtOpenEffects(log)).toEqual({ runs: 4, doubts: 3 })
  const { position } = await store.head()
  expect(await doubtOpenEffects(log)).toEqual({ runs: 4, doubts: 3 })
  expect(await store.head()).toEqual({ position })
})
