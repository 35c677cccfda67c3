/** What hostile hands put in, through a whole runtime on a real file: refused, with a code. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { grantedEvent, grantStream } from '@ice/capabilities'
import type { Grant, Resource } from '@ice/capabilities/ports'
import {
  createIds,
  type GrantId,
  hasCode,
  type JsonObject,
  type RunId,
  systemClock,
  systemRandom,
  type Timestamp,
} from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectHandler, GrantSpec } from '@ice/runs/ports'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRuntime } from '../src/index.ts'
import type { Runtime, RuntimeOptions } from '../src/ports.ts'

let folder: string
let path: string
const opened: Runtime[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ice-hostile-'))
  path = join(folder, 'ice.db')
})
afterEach(async () => {
  for (const ice of opened.splice(0)) await ice.close()
  rmSync(folder, { recursive: true, force: true })
})

const NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'] as const
const DENIED = 'CapabilityDenied'
let called: string[] = []

/** A handler whose tool is named by the call, as one of many tools is. */
const tool: EffectHandler = {
  action: 'tool.call',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: z.strictObject({ name: z.string() }),
  resource: (args) => ({ name: (args as { readonly name: string }).name }),
  perform: async ({ arguments: args }) => {
    called.push((args as { readonly name: string }).name)
    return { value: 'called', observed: {} }
  },
}

interface Asked {
  readonly action?: string
  readonly grant?: string
  readonly arguments?: JsonObject
}

const asks = defineProgram({
  name: 'asks',
  version: '1',
  input: z.unknown(),
  output: z.string(),
  async run(context, input) {
    const asked = {
      action: 'tool.call',
      grant: 'g',
      arguments: { name: 'mail' },
      ...(input as Asked),
    }
    const outcome = await context.attempt('act', asked)
    return outcome.kind === 'denied' ? outcome.denial.code : outcome.kind
  },
})

async function open(options: RuntimeOptions = {}): Promise<Runtime> {
  called = []
  const ice = await createRuntime({ path, effects: [tool], programs: [asks], ...options })
  opened.push(ice)
  return ice
}

const mail: GrantSpec = { actions: ['tool.call'], resource: { kind: 'tool', name: 'mail' } }

async function outcomeOf(
  ice: Runtime,
  asked: Asked,
  grants: Readonly<Record<string, GrantSpec | GrantId>> = { g: mail },
): Promise<string> {
  const { run } = await ice.runs.execute(asks, asked, { grants })
  const result = await ice.runs.result(run)
  return result.conclusion === 'committed' ? (result.value as string) : result.reason
}

/** The reason of the last denial in the log of a run. */
async function denials(ice: Runtime): Promise<readonly string[]> {
  const codes: string[] = []
  for await (const batch of ice.log.readAll({ filter: { types: [DENIED] } })) {
    for (const { data } of batch) {
      codes.push((data as { readonly denial: { readonly code: string } }).denial.code)
    }
  }
  return codes
}

/** Verifies: RTM-R04 */
describe('a name that every object has', () => {
  test.each(NAMES)(
    '%s, as an action, a grant, a tool or an argument, is no name here',
    async (name) => {
      const ice = await open()
      expect(await outcomeOf(ice, { action: name })).toBe('ICE_RUNS_ACTION_UNKNOWN_DENIED')
      expect(await outcomeOf(ice, { grant: name })).toBe('ICE_RUNS_GRANT_UNBOUND_DENIED')
      const outside = 'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED'
      expect(await outcomeOf(ice, { arguments: { name } })).toBe(outside)
      const args = JSON.parse(`{"name":"mail","${name}":1}`) as JsonObject
      expect(await outcomeOf(ice, { arguments: args })).toMatch(/^ICE_RUNS_.+_DENIED$/)
      expect(await denials(ice)).toHaveLength(4)
      expect(called).toEqual([])
    },
  )

  test.each(NAMES)(
    '%s is an ordinary tool where it is granted, and that one alone',
    async (name) => {
      const ice = await open()
      const own = { g: { actions: ['tool.call'], resource: { kind: 'tool', name } } }
      expect(await outcomeOf(ice, { arguments: { name } }, own)).toBe('succeeded')
      const outside = 'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED'
      expect(await outcomeOf(ice, { arguments: { name: 'mail' } }, own)).toBe(outside)
      expect(called).toEqual([name])
    },
  )

  test.each(NAMES)('%s is no kind of a resource, nor of a caveat', async (name) => {
    const ice = await open()
    const code = 'ICE_CAPABILITIES_GRANT_UNSUPPORTED'
    const kind: Resource = { kind: name }
    const start = (spec: GrantSpec): Promise<RunId> =>
      ice.runs.start(asks, {}, { grants: { g: spec } })
    await expect(start({ ...mail, resource: kind })).rejects.toMatchObject({ code })
    const caveats = [{ kind: name }] as never
    await expect(start({ ...mail, caveats })).rejects.toMatchObject({ code })
  })
})

/** Records grants as a gateway takes them, whatever they mean: what commands would refuse. */
async function record(ice: Runtime, grants: readonly Grant[]): Promise<void> {
  const units: Promise<unknown>[] = []
  for (let at = 0; at < grants.length; at += 16) {
    const writes = grants.slice(at, at + 16).map((grant) => ({
      stream: grantStream(grant.id),
      expectedVersion: 'no_stream' as const,
      events: [grantedEvent(grant)],
    }))
    units.push(ice.log.append({ writes }))
  }
  await Promise.all(units)
}

/** Grants one below the other, of which the last is held by whom a run acts for. */
function chain(length: number, top: (ids: readonly GrantId[]) => GrantId | null): readonly Grant[] {
  const ids = createIds({ clock: systemClock, random: systemRandom })
  const all = Array.from({ length }, () => ids.nextGrantId())
  return all.map((id, at) => ({
    id,
    holder: 'agent/helper',
    actions: ['tool.call'],
    resource: { kind: 'tool', name: 'mail' },
    caveats: [],
    parent: at === 0 ? top(all) : (all[at - 1] as GrantId),
    delegable: 31,
    notBefore: 0 as Timestamp,
    expiresAt: null,
    revocable: true,
  }))
}

async function actUnder(ice: Runtime, grant: GrantId): Promise<string> {
  const options = { grants: { g: grant }, agent: 'helper' }
  const { run } = await ice.runs.execute(asks, {}, options)
  const result = await ice.runs.result(run)
  return result.conclusion === 'committed' ? (result.value as string) : result.reason
}

/** Verifies: RTM-R04 */
describe('a chain of grants', () => {
  test.each([1, 2, 3, 40])(
    'of %d links that leads back to itself allows nothing',
    async (length) => {
      const ice = await open()
      const loop = chain(length, (all) => all.at(-1) as GrantId)
      await record(ice, loop)
      for (const { id } of loop.slice(-2)) {
        expect(await actUnder(ice, id)).toBe('ICE_CAPABILITIES_CHAIN_BROKEN')
      }
      await expect(
        ice.grants.delegate({ parent: (loop[0] as Grant).id, holder: 'agent/other' }),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^ICE_CAPABILITIES_/) })
      // What cannot be used can be looked at, and ended.
      // One that stands above itself is no grant at all.
      expect(await ice.grants.list()).toHaveLength(length === 1 ? 0 : length)
      const [first] = loop as readonly [Grant]
      await ice.grants.revoke(first.id, { reason: 'a loop' })
      expect(called).toEqual([])
    },
  )

  test('of 10,000 links allows nothing at its end, and is ended at its beginning', async () => {
    const ice = await open()
    const deep = chain(10_000, () => null)
    await record(ice, deep)
    const [first, last] = [deep[0], deep.at(-1)] as [Grant, Grant]
    expect(await actUnder(ice, last.id)).toBe('ICE_CAPABILITIES_CHAIN_BROKEN')
    // A chain that is short enough is none the worse for what hangs below it.
    expect(await actUnder(ice, (deep[31] as Grant).id)).toBe('succeeded')
    const further = ice.grants.delegate({ parent: last.id, holder: 'agent/other' })
    await expect(further).rejects.toMatchObject({ code: 'ICE_CAPABILITIES_ESCALATION_DENIED' })
    expect((await ice.grants.preview({ grant: first.id })).grants).toHaveLength(10_000)
    expect(await ice.grants.revoke(first.id, { reason: 'too deep' })).toHaveLength(10_000)
    expect(await actUnder(ice, (deep[31] as Grant).id)).toBe('ICE_CAPABILITIES_GRANT_REVOKED')
  })
})

/** Verifies: RTM-R04 */
describe('a matcher of a megabyte', () => {
  const MEGABYTE = 1_048_576
  const long = 'a'.repeat(MEGABYTE)
  const many = Array.from({ length: 100_000 }, (_, n) => `host-${n}.test`)
  const matchers: Readonly<Record<string, Resource>> = {
    'a tool': { kind: 'tool', name: long },
    tools: { kind: 'tool', names: many },
    'a path': { kind: 'fs', root: '/tmp', within: [long] },
    hosts: { kind: 'net', hosts: many },
    'a host': { kind: 'net', hosts: [long] },
    secrets: { kind: 'secret', names: many },
    'a program': { kind: 'proc', programs: [{ path: `/${long}` }], root: '/tmp' },
    'a member that nobody knows': { kind: 'tool', name: 'mail', [long]: 1 },
  }

  test.each(Object.keys(matchers))('with %s is no grant', async (which) => {
    const ice = await open()
    const spec = { ...mail, resource: matchers[which] as Resource }
    const start = ice.runs.start(asks, {}, { grants: { g: spec } })
    await expect(start).rejects.toMatchObject({ code: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED' })
    // Nor does it get into the log by a way around the commands.
    const [grant] = chain(1, () => null) as readonly [Grant]
    const recorded = record(ice, [{ ...grant, resource: matchers[which] as Resource }])
    await expect(recorded).rejects.toSatisfy(
      (error) => hasCode(error, 'ICE_EVENTS_EVENT_LIMIT') || `${error.code}`.startsWith('ICE_'),
    )
  })

  test('in a schema of arguments is no caveat', async () => {
    const ice = await open()
    const caveats = [{ kind: 'arguments' as const, schema: { type: 'object', required: many } }]
    const start = ice.runs.start(asks, {}, { grants: { g: { ...mail, caveats } } })
    await expect(start).rejects.toMatchObject({ code: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED' })
  })

  test('met by a claim of a megabyte is a denial', async () => {
    const ice = await open()
    expect(await outcomeOf(ice, { arguments: { name: long } })).toMatch(/^ICE_\w+_DENIED$|^ICE_CAP/)
    expect(called).toEqual([])
  })
})

/** A clock that stands somewhere else; what waits, waits in real time. */
function clockAt(now: number) {
  let shift = now - systemClock.now()
  return {
    now: () => (systemClock.now() + shift) as Timestamp,
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: systemClock.sleep,
    set: (to: number) => {
      shift = to - systemClock.now()
    },
  }
}

const [Y1970, Y9999] = [1_000, Date.UTC(9999, 11, 31, 23, 0, 0)]

/** Verifies: RTM-R04 */
describe('a clock that is wrong', () => {
  const spec = (more: Partial<GrantSpec>): GrantSpec => ({ ...mail, ...more })
  const inAnHour = (): Timestamp => (systemClock.now() + 3_600_000) as Timestamp

  test.each([
    ['1970', Y1970],
    ['9999', Y9999],
  ])('and stands in %s makes a log that can be read and verified', async (_, now) => {
    const ice = await open({ clock: clockAt(now) })
    expect(await outcomeOf(ice, {})).toBe('succeeded')
    expect(called).toEqual(['mail'])
    const found: unknown[] = []
    for await (const finding of ice.log.store.check()) found.push(finding)
    expect(found).toEqual([])
  })

  test('and stands in 9999 ends what ends before, with a code', async () => {
    const ice = await open({ clock: clockAt(Y9999) })
    const code = await outcomeOf(ice, {}, { g: spec({ expiresAt: inAnHour() }) }).catch(
      (error: { readonly code: string }) => error.code,
    )
    expect(code).toMatch(/^ICE_CAPABILITIES_GRANT_(?:EXPIRED|UNSUPPORTED)$/)
    expect(called).toEqual([])
  })

  test('gives nothing back that had ended, in a run that goes on', async () => {
    const clock = clockAt(systemClock.now())
    const ice = await open({ clock })
    const twice = defineProgram({
      name: 'twice',
      version: '1',
      input: z.unknown(),
      output: z.unknown(),
      async run(context) {
        const asked = { action: 'tool.call', grant: 'g', arguments: { name: 'mail' } }
        const kinds: string[] = []
        for (const at of [0, Y9999, Y1970]) {
          if (at > 0) clock.set(at)
          const outcome = await context.attempt(`act/${at}`, asked)
          kinds.push(outcome.kind === 'denied' ? outcome.denial.code : outcome.kind)
        }
        return kinds
      },
    })
    const grants = { g: spec({ expiresAt: inAnHour() }) }
    const { run } = await ice.runs.execute(twice, {}, { grants })
    const expired = 'ICE_CAPABILITIES_GRANT_EXPIRED'
    expect(await ice.runs.result(run)).toMatchObject({ value: ['succeeded', expired, expired] })
  })

  test('and stands in 1970 begins nothing before its time', async () => {
    const ice = await open({ clock: clockAt(Y1970) })
    const [grant] = chain(1, () => null) as readonly [Grant]
    await record(ice, [{ ...grant, notBefore: systemClock.now() }])
    expect(await actUnder(ice, grant.id)).toBe('ICE_CAPABILITIES_GRANT_NOT_YET_VALID')
  })

  test('and stands beyond what an id can tell starts nothing', async () => {
    const ice = await open({ clock: clockAt(9e15) })
    await expect(ice.runs.start(asks, {}, { grants: { g: mail } })).rejects.toThrow('48 bits')
    for await (const batch of ice.log.readAll({ filter: { streamPrefix: 'run/' } })) {
      expect(batch).toEqual([])
    }
  })

  test.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])(
    'and says %d is no clock: nothing is recorded',
    async (now) => {
      const clock = { ...systemClock, now: () => now as Timestamp }
      const opening = open({ clock })
      await expect(opening).rejects.toSatisfy(
        (error) => /^ICE_/.test(`${error.code}`) || error instanceof TypeError,
      )
    },
  )
})
