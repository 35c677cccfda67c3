/** The organisation's policy in a composed runtime: in force, replaced, missing. */
import type { Ceiling } from '@ice/capabilities/ports'
import { memoryEventStore } from '@ice/events'
import type { RecordedEvent } from '@ice/events/ports'
import { type PrincipalId, sha256Hex, systemClock } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRuntime } from '../src/index.ts'
import type { Runtime, RuntimeOptions } from '../src/ports.ts'

const act: EffectHandler = {
  action: 'act',
  fate: 'irreversible',
  outcome: 'EffectSucceeded',
  arguments: z.strictObject({ what: z.string() }),
  resource: () => ({ name: 'act' }),
  perform: async () => ({ value: 'done', observed: {} }),
}
const program = defineProgram({
  name: 'act',
  version: '1',
  input: z.string(),
  output: z.string(),
  run: (ctx, what: string) =>
    ctx.effect<string>('act', { action: 'act', grant: 'g', arguments: { what } }),
})
const grants = { g: { actions: ['act'], resource: { kind: 'tool', name: 'act' } } }
const principal = 'os:alice' as PrincipalId

/** Refuses calls whose arguments say `forbidden`. */
function ceiling(name: string, forbidden: string): Ceiling {
  return {
    ...{ name, version: '1', digest: sha256Hex(`${name}/${forbidden}`) },
    judge: ({ request }) => {
      const { what } = request.arguments as { what: string }
      return what === forbidden
        ? { permits: false, policies: [name], reason: `${what} is forbidden` }
        : { permits: true, policies: [] }
    },
  }
}

const store = memoryEventStore({ clock: systemClock })
const open = (over: RuntimeOptions): Promise<Runtime> =>
  createRuntime({ store, effects: [act], bare: true, principal, ...over })

async function eventsOf({ log }: Runtime, type: string): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const batch of log.readAll({})) events.push(...batch)
  return events.filter((event) => event.type === type)
}

/** What became of a run that asks for this. */
async function outcome(ice: Runtime, what: string): Promise<string | null> {
  const { run } = await ice.runs.execute(program, what, { grants })
  const view = await ice.runs.view(run)
  return view?.conclusion === 'committed' ? 'done' : (view?.reason ?? null)
}

/** Verifies: RTM-R100 */
describe('a runtime with a ceiling', () => {
  const first = ceiling('first', 'harm')
  const second = ceiling('second', 'waste')

  test('allows nothing until it is adopted, then what it does not refuse', async () => {
    const early = await open({ ceiling: first })
    expect(await outcome(early, 'good')).toContain('"first" 1 is not adopted')
    expect(early.describe().subsystems['authority']).toMatchObject({
      ceiling: { name: 'first', version: '1', digest: first.digest },
    })
    await early.close()
    const ice = await open({ ceiling: first, adoptCeiling: { policyText: 'no harm' } })
    expect(await outcome(ice, 'good')).toBe('done')
    expect(await outcome(ice, 'harm')).toContain('The policy "first" refuses: harm is forbidden')
    const [intent] = await eventsOf(ice, 'CapabilityUsed')
    const { name, version, digest } = first
    const guarded = { stream: 'policy/ceiling', version: 1 }
    expect(intent?.data).toMatchObject({ ceiling: { name, version, digest } })
    expect(intent?.data).toHaveProperty('basis', expect.arrayContaining([guarded]))
    const [adopted] = await eventsOf(ice, 'PolicyAdopted')
    expect(adopted).toMatchObject({ principal, data: { name, policy: { inline: 'no harm' } } })
    await ice.close()
  })

  test('is bound by the one in force, and does not bring back an old one', async () => {
    const ice = await open({ ceiling: first })
    expect(await outcome(ice, 'waste')).toBe('done')
    const other = await open({ ceiling: second, adoptCeiling: { policyText: 'no waste' } })
    expect(await outcome(other, 'waste')).toContain('waste is forbidden')
    expect(await outcome(other, 'harm')).toBe('done')
    const stale = 'The policy in force is "second" 1; here "first" 1 is loaded'
    expect(await outcome(ice, 'good')).toContain(stale)
    const again = await open({ ceiling: first, adoptCeiling: { policyText: 'no harm' } })
    expect(await outcome(again, 'good')).toContain(stale)
    const bare = await open({})
    expect(await outcome(bare, 'good')).toContain('and none is loaded here')
    expect(bare.describe().subsystems['authority']).toMatchObject({ ceiling: null })
    expect(await eventsOf(bare, 'PolicyAdopted')).toHaveLength(2)
    for (const each of [ice, other, again, bare]) await each.close()
  })
})
