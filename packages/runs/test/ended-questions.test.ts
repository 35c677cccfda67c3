import { approvalKind, toolKind } from '@ice/capabilities'
import type { StopScope } from '@ice/capabilities/ports'
import { memoryEventStore } from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import { type GrantId, type RunId, systemClock, type Timestamp } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GrantSpec } from '../src/ports.ts'
import { doing, eventually, program, toolGrant, type World, world } from './harness.ts'

const kinds = [toolKind, approvalKind]
const ENDED = 'ICE_RUNS_RIGHT_ENDED_CONFLICT'
const REVOKED = 'ICE_CAPABILITIES_GRANT_REVOKED'

const one = program(async (context) => {
  const outcome = await context.attempt('act', doing({ to: 'x' }))
  return outcome.kind === 'denied' ? outcome.denial.code : outcome.kind
})

function asking(more: Partial<GrantSpec> = {}): Record<'g', GrantSpec> {
  return { g: { ...toolGrant('do'), caveats: [{ kind: 'approval' }], ...more } }
}

async function suspended(options: Parameters<typeof world>[0] = {}, spec = asking()) {
  const at = await world({ kinds, programs: [one], ...options })
  const acting = { agent: 'helper', session: 's1' }
  const run = await at.runs.start(one, {}, { grants: spec, ...acting })
  expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
  return { at, run }
}

async function grantOf({ runs }: World, run: RunId): Promise<GrantId> {
  const { grants } = await runs.view(run)
  return grants['g'] as GrantId
}

const answering = ({ runs }: World, run: RunId, approved = true) =>
  runs.answer(run, { step: 'act', approved })

/** Verifies: RUN-R45 */
describe('a question whose right has ended', () => {
  it('takes no answer, says so to who gave it, and grants nothing', async () => {
    const { at, run } = await suspended()
    await at.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    for (const approved of [true, false]) {
      await expect(answering(at, run, approved)).rejects.toMatchObject({
        code: ENDED,
        data: { step: 'act', ended: REVOKED },
      })
    }
    const types = await at.types(run)
    expect(types).not.toContain('ApprovalGranted')
    expect(types).not.toContain('ApprovalRejected')
    const refused = (await at.events(run)).filter(({ type }) => type === 'AnswerRefused')
    expect(refused.map(({ data }) => data)).toMatchObject([
      { step: 'act', approved: true, code: ENDED },
      { step: 'act', approved: false, code: ENDED },
    ])
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: REVOKED } })
    expect(at.witness).toEqual([])
  })

  it('is told as one that cannot be answered, by whoever lists runs', async () => {
    const { at, run } = await suspended()
    const there = await at.another('bob')
    expect((await at.runs.view(run)).waitingFor[0]).not.toHaveProperty('ended')
    await there.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    const ended = { code: REVOKED, message: expect.stringContaining('revoked') }
    expect((await at.runs.view(run)).waitingFor).toMatchObject([{ step: 'act', ended }])
    for await (const view of at.runs.list()) {
      expect(view.waitingFor).toMatchObject([{ step: 'act', ended }])
    }
  })

  it.each(['all', 'agent/helper', 'session/s1', 'operator/os:test'] as const)(
    'has ended while %s is stopped, and not after that was lifted',
    async (scope: StopScope) => {
      const { at, run } = await suspended()
      await at.grants.stop(scope, { reason: 'look' })
      const stopped = 'ICE_CAPABILITIES_STOPPED'
      await expect(answering(at, run)).rejects.toMatchObject({ data: { ended: stopped } })
      await at.grants.resume(scope, { reason: 'looked' })
      await answering(at, run)
      expect(await at.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
    },
  )

  it('has ended with the time of its chain', async () => {
    const expiresAt = (systemClock.now() + 300) as Timestamp
    const { at, run } = await suspended({}, asking({ expiresAt }))
    await eventually(() => systemClock.now()).toBeGreaterThanOrEqual(expiresAt)
    const data = { ended: 'ICE_CAPABILITIES_GRANT_EXPIRED' }
    await expect(answering(at, run)).rejects.toMatchObject({ code: ENDED, data })
  })

  it('has ended when what stands above its grant has', async () => {
    const at = await world({ kinds, programs: [one] })
    const top = await at.runs.start(one, {}, { grants: asking({ delegable: 1 }) })
    const parent = await grantOf(at, top)
    const below = await at.grants.delegate({ parent, holder: 'agent/helper' })
    const options = { grants: { g: below }, agent: 'helper' }
    const run = await at.runs.start(one, {}, options)
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    await at.grants.revoke(parent, { reason: 'enough' })
    await expect(answering(at, run)).rejects.toMatchObject({ code: ENDED })
  })

  it('wakes whoever waits for the answer, in whatever process it ended', async () => {
    const at = await world({ kinds, programs: [one] })
    const there = await at.another('bob')
    const ends: ((run: RunId) => Promise<unknown>)[] = [
      async (run) => there.grants.revoke(await grantOf(at, run), { reason: 'enough' }),
      (run) => there.grants.stop(`run/${run}`, { reason: 'enough' }),
      (run) => at.grants.stop(`run/${run}`, { reason: 'enough' }),
    ]
    for (const end of ends) {
      const run = await at.runs.start(one, {}, { grants: asking() })
      const going = at.runs.drive(run, { wait: true })
      await eventually(() => at.types(run)).toContain('ApprovalRequested')
      await end(run)
      const value = expect.stringMatching(/^ICE_CAPABILITIES_(?:GRANT_REVOKED|STOPPED)$/)
      expect(await going).toMatchObject({ kind: 'concluded', result: { value } })
    }
    expect(at.witness).toEqual([])
  })

  it('wakes whoever waits when the time of its chain is over', async () => {
    const at = await world({ kinds, programs: [one] })
    const expiresAt = (systemClock.now() + 400) as Timestamp
    const run = await at.runs.start(one, {}, { grants: asking({ expiresAt }) })
    const value = 'ICE_CAPABILITIES_GRANT_EXPIRED'
    expect(await at.runs.drive(run, { wait: true })).toMatchObject({ result: { value } })
  })

  it('takes no answer either when the right ends between its decision and its record', async () => {
    const inner = memoryEventStore({ clock: systemClock })
    let before: (() => Promise<unknown>) | null = null
    const store: EventStore = {
      ...inner,
      async append(unit) {
        const act = before
        before = null
        await act?.()
        return inner.append(unit)
      },
    }
    const { at, run } = await suspended({ store })
    const grant = await grantOf(at, run)
    before = () => at.grants.revoke(grant, { reason: 'enough' })
    await expect(answering(at, run)).rejects.toMatchObject({ code: ENDED })
    expect(await at.types(run)).not.toContain('ApprovalGranted')
  })

  it('leaves questions that are about no grant as they are', async () => {
    const asks = program(async (context) => context.approval('ask', { prompt: 'Go on?' }))
    const at = await world({ kinds, programs: [asks] })
    const run = await at.runs.start(asks, {})
    await at.runs.drive(run)
    await at.grants.stop('all', { reason: 'look' })
    await at.runs.answer(run, { step: 'ask', approved: true })
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: { approved: true } } })
  })

  it('is answerable exactly while the right stands, whatever ended and was lifted', async () => {
    const scopes = ['all', 'agent/helper', 'session/s1', 'operator/os:test', 'agent/other'] as const
    const move = fc.tuple(fc.constantFrom(...scopes), fc.boolean())
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 6 }), fc.boolean(), async (moves, isRevoked) => {
        const { at, run } = await suspended()
        const stopped = new Set<string>()
        for (const [scope, isStop] of moves) {
          if (isStop) await at.grants.stop(scope, { reason: 'x' })
          else if (stopped.has(scope)) await at.grants.resume(scope, { reason: 'x' })
          if (isStop) stopped.add(scope)
          else stopped.delete(scope)
        }
        if (isRevoked) await at.grants.revoke(await grantOf(at, run), { reason: 'x' })
        stopped.delete('agent/other')
        const isOver = isRevoked || stopped.size > 0
        const [waiting] = (await at.runs.view(run)).waitingFor
        expect(waiting?.ended !== undefined).toBe(isOver)
        const said = await answering(at, run).then(
          () => 'granted',
          ({ code }) => code,
        )
        expect(said).toBe(isOver ? ENDED : 'granted')
        expect((await at.types(run)).includes('ApprovalGranted')).toBe(!isOver)
      }),
      { numRuns: 40 },
    )
  })
})
