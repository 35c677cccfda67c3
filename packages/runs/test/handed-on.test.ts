import type { RecordedEvent } from '@ice/events/ports'
import { type GrantId, IceError, type RunId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import type { EffectCall } from '../src/ports.ts'
import {
  doing,
  eventually,
  grants,
  program,
  tool,
  toolGrant,
  type World,
  world,
} from './harness.ts'

const plan = { agent: 'rules', content: 'do it', reason: 'it is due' }
const STOPPED = 'ICE_CAPABILITIES_STOPPED'

/** Follows a proposal, and then acts on its own. */
const both = program(async (context) => {
  await context.propose('plan', plan)
  const told = await context.attempt('told', { ...doing(), proposal: 'plan' })
  const own = await context.attempt('own', doing())
  return [told, own].map((each) => (each.kind === 'denied' ? each.denial.code : each.kind))
})

/** Never comes back by itself; says that it had not acted when it is told to stop. */
function patient({ signal }: EffectCall): Promise<never> {
  return new Promise((_resolve, reject) => {
    const proof = new IceError({ code: 'ICE_TEST_ABORTED', message: 'nothing was done' })
    signal.addEventListener('abort', () => reject(proof))
  })
}

async function decided({ events }: World, run: RunId): Promise<readonly RecordedEvent[]> {
  return (await events(run)).filter(({ type }) => /^Capability(?:Used|Denied)$/.test(type))
}

/** Verifies: RUN-R46, CAP-R66 */
describe('a stop of the agent that proposed', () => {
  it('refuses what follows its proposal, and nothing else', async () => {
    const at = await world()
    await at.grants.stop('agent/rules', { reason: 'odd' })
    const { run } = await at.runs.execute(both, {}, { grants, agent: 'helper' })
    expect(await at.runs.result(run)).toMatchObject({ value: [STOPPED, 'succeeded'] })
    const [told, own] = await decided(at, run)
    expect(told?.data).toMatchObject({ effect: 'told', proposer: 'rules' })
    expect(own?.data).not.toHaveProperty('proposer')
  })

  it('is guarded by the intent, which names it', async () => {
    const at = await world()
    const { run } = await at.runs.execute(both, {}, { grants })
    const [told, own] = await decided(at, run)
    const guard = { stream: 'stop/agent/rules', version: 0 }
    expect(told?.data).toMatchObject({ proposer: 'rules', basis: expect.arrayContaining([guard]) })
    expect((own?.data as { basis: unknown } | undefined)?.basis).not.toContainEqual(guard)
  })

  it('aborts the handler at work for it, in whatever process it was stopped', async () => {
    const at = await world({ effects: [tool('do', 'idempotent', patient)] })
    const there = await at.another('bob')
    const acts = program(async (context) => {
      await context.propose('plan', plan)
      return (await context.attempt('told', { ...doing(), proposal: 'plan' })).kind
    })
    const run = await at.runs.start(acts, {}, { grants })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    const preview = await there.grants.preview({ scope: 'agent/rules' })
    expect(preview.effects).toMatchObject([{ run, effect: 'told' }])
    await there.grants.stop('agent/rules', { reason: 'odd' })
    expect(await going).toMatchObject({ result: { value: 'denied' } })
    expect(await at.types(run)).toContain('EffectRevoked')
  })

  it('ends the questions that its proposals led to', async () => {
    const asking = { g: { ...toolGrant('do'), caveats: [{ kind: 'approval' as const }] } }
    const acts = program(async (context) => {
      await context.propose('plan', plan)
      const outcome = await context.attempt('told', { ...doing(), proposal: 'plan' })
      return outcome.kind === 'denied' ? outcome.denial.code : outcome.kind
    })
    const at = await world({ programs: [acts] })
    const run = await at.runs.start(acts, {}, { grants: asking })
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    await at.grants.stop('agent/other', { reason: 'odd' })
    expect((await at.runs.view(run)).waitingFor[0]).not.toHaveProperty('ended')
    await at.grants.stop('agent/rules', { reason: 'odd' })
    const answer = at.runs.answer(run, { step: 'told', approved: true })
    await expect(answer).rejects.toMatchObject({ data: { ended: STOPPED } })
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: STOPPED } })
  })

  it('holds for what is replayed, as for what was asked first', async () => {
    const at = await world()
    const { run } = await at.runs.execute(both, {}, { grants })
    const before = await at.events(run)
    const there = await at.another('bob', { programs: [both] })
    expect(await there.runs.drive(run)).toMatchObject({ kind: 'concluded' })
    expect(await at.events(run)).toEqual(before)
  })
})

/** Verifies: RUN-R46, CAP-R66 */
describe('a stop of who handed a grant on', () => {
  /** From a run to an agent to another agent, who asks. */
  async function handed() {
    const at = await world({ programs: [both] })
    const top = await at.runs.start(both, {}, { grants: { g: { ...grants.g, delegable: 2 } } })
    const parent = (await at.runs.view(top)).grants['g'] as GrantId
    const middle = { parent, holder: 'agent/between', delegable: 1 } as const
    const between = await at.grants.delegate(middle)
    const below = await at.grants.delegate({ parent: between, holder: 'agent/helper' })
    return { at, top, below }
  }

  it.each(['agent/between', 'run', 'agent/helper'])('of %s ends what is below it', async (who) => {
    const { at, top, below } = await handed()
    const scope = who === 'run' ? (`run/${top}` as const) : (who as `agent/${string}`)
    expect((await at.grants.preview({ scope })).grants).toContain(below)
    await at.grants.stop(scope, { reason: 'odd' })
    const { run } = await at.runs.execute(both, {}, { grants: { g: below }, agent: 'helper' })
    expect(await at.runs.result(run)).toMatchObject({ value: [STOPPED, STOPPED] })
    await at.grants.resume(scope, { reason: 'looked at' })
    const again = await at.runs.execute(both, {}, { grants: { g: below }, agent: 'helper' })
    expect(await at.runs.result(again.run)).toMatchObject({ value: ['succeeded', 'succeeded'] })
  })

  it('is guarded by every intent below', async () => {
    const { at, top, below } = await handed()
    const { run } = await at.runs.execute(both, {}, { grants: { g: below }, agent: 'helper' })
    for (const { data } of await decided(at, run)) {
      const { basis } = data as { basis: readonly { stream: string }[] }
      const streams = basis.map(({ stream }) => stream)
      expect(streams).toEqual(
        expect.arrayContaining(['stop/agent/between', `stop/run/${top}`, 'stop/agent/helper']),
      )
      expect(new Set(streams).size).toBe(streams.length)
    }
  })
})
