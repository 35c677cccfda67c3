import { approvalKind, toolKind } from '@ice/capabilities'
import type { ApprovalTerms } from '@ice/capabilities/ports'
import type { GrantId, PrincipalId, RunId, Timestamp } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import type { GrantSpec } from '../src/ports.ts'
import { doing, eventually, program, tool, toolGrant, type World, world } from './harness.ts'

const alice = 'os:alice' as PrincipalId
const bob = 'os:bob' as PrincipalId
const mallory = 'os:mallory' as PrincipalId
const kinds = [toolKind, approvalKind]
const HOUR = 3_600_000
const terms = { by: [alice], timeoutMs: 2 * HOUR, escalateAfterMs: HOUR, escalateTo: [bob] }

function asking(more: ApprovalTerms = {}): Record<'g', GrantSpec> {
  return { g: { ...toolGrant('do'), caveats: [{ kind: 'approval', ...more }] } }
}

const one = program(async (context) => {
  const outcome = await context.attempt('act', doing({ to: 'x' }))
  return outcome.kind === 'denied' ? outcome.denial.code : outcome.kind
})

/** A clock that tests set; waits end when it is set far enough. */
function handClock() {
  let now = 1_700_000_000_000
  const sleepers = new Set<() => void>()
  return {
    now: () => now as Timestamp,
    monotonicMs: () => now,
    advance(ms: number) {
      now += ms
      for (const look of [...sleepers]) look()
    },
    sleep(ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
      // Looks at the log go on in real time: only waits for people are the test's to end.
      if (ms < 1_000) return new Promise((resolve) => setTimeout(resolve, 1))
      const until = now + ms
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (now < until) return
          sleepers.delete(look)
          resolve()
        }
        signal?.addEventListener('abort', () => {
          sleepers.delete(look)
          reject(new TypeError('aborted'))
        })
        sleepers.add(look)
        look()
      })
    },
  }
}

async function suspended(options: Parameters<typeof world>[0] = {}, spec = asking(terms)) {
  const clock = handClock()
  const at = await world({ kinds, clock, programs: [one], ...options })
  const run = await at.runs.start(one, {}, { grants: spec })
  expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
  return { at, run, clock }
}

const yes = { step: 'act', approved: true } as const

async function typesAfter(at: World, run: RunId, type: string): Promise<readonly string[]> {
  const types = await at.types(run)
  return types.slice(types.lastIndexOf(type) + 1)
}

/** Verifies: RUN-R42 */
describe('who may answer', () => {
  it('stands in the question, with the call and the end of its time', async () => {
    const { at, run, clock } = await suspended()
    const [waiting] = (await at.runs.view(run)).waitingFor
    expect(waiting).toMatchObject({
      approvers: [alice],
      expiresAt: clock.now() + 2 * HOUR,
      escalation: { at: clock.now() + HOUR, to: [bob] },
      call: { action: 'do', resource: { name: 'do' } },
    })
    const asked = (await at.events(run)).find(({ type }) => type === 'ApprovalRequested')
    expect(asked?.data).toMatchObject({ details: { inline: { arguments: { to: 'x' } } } })
  })

  it('is held against the principal: another answer is recorded, told, and none', async () => {
    const { at, run } = await suspended()
    const refused = { code: 'ICE_RUNS_ANSWERER_DENIED' }
    await expect(at.runs.answer(run, { ...yes, principal: mallory })).rejects.toMatchObject(refused)
    await expect(at.runs.answer(run, { ...yes, principal: bob })).rejects.toMatchObject(refused)
    await expect(at.runs.answer(run, yes)).rejects.toMatchObject(refused)
    const events = await at.events(run)
    expect(events.slice(-3).map(({ type, principal }) => [type, principal])).toEqual([
      ['AnswerRefused', mallory],
      ['AnswerRefused', bob],
      ['AnswerRefused', 'os:test'],
    ])
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect(at.witness).toEqual([])
    await at.runs.answer(run, { ...yes, principal: alice })
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
    const used = (await at.events(run)).find(({ type }) => type === 'CapabilityUsed')
    const granted = (await at.events(run)).find(({ type }) => type === 'ApprovalGranted')
    expect(used?.data).toMatchObject({ approval: granted?.id })
  })

  it('cannot be got round by an answer that is written into the log', async () => {
    const { at, run } = await suspended()
    const [waiting] = (await at.runs.view(run)).waitingFor
    const { step = '', digest = '', request = '' } = waiting ?? {}
    const data = { step, digest, request }
    const events = [{ type: 'ApprovalGranted', data, principal: mallory }]
    const stream = `run/${run}` as never
    await at.log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect(at.witness).toEqual([])
  })

  it('does not let strangers fill the stream of a run', async () => {
    const { at, run } = await suspended()
    for (let tries = 0; tries < 20; tries += 1) {
      await expect(at.runs.answer(run, { ...yes, principal: mallory })).rejects.toThrow()
    }
    const refused = (await at.types(run)).filter((type) => type === 'AnswerRefused')
    expect(refused).toHaveLength(16)
  })
})

/** Verifies: RUN-R43 */
describe('a question in time', () => {
  it('goes on to others, by an event, when whoever answers comes late enough', async () => {
    const { at, run, clock } = await suspended()
    clock.advance(HOUR)
    await at.runs.answer(run, { ...yes, principal: bob })
    expect(await typesAfter(at, run, 'RunSuspended')).toEqual([
      'ApprovalEscalated',
      'ApprovalGranted',
    ])
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
  })

  it('goes on to others when the run is driven next', async () => {
    const { at, run, clock } = await suspended()
    clock.advance(HOUR)
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect(await at.types(run)).toContain('ApprovalEscalated')
    expect((await at.runs.view(run)).waitingFor).toMatchObject([
      { approvers: [alice, bob], escalation: null },
    ])
  })

  it('lapses when the run is driven next, and denies', async () => {
    const { at, run, clock } = await suspended()
    clock.advance(2 * HOUR)
    const result = { conclusion: 'committed', value: 'ICE_RUNS_APPROVAL_LAPSED_DENIED' }
    expect(await at.runs.drive(run)).toMatchObject({ result })
    const lapsed = (await at.events(run)).find(({ type }) => type === 'ApprovalLapsed')
    const denied = (await at.events(run)).find(({ type }) => type === 'CapabilityDenied')
    expect(denied?.causes).toEqual([lapsed?.id])
    expect(at.witness).toEqual([])
  })

  it('takes no answer after its time, whoever gives it, and says so', async () => {
    const { at, run, clock } = await suspended()
    clock.advance(2 * HOUR)
    const late = { code: 'ICE_RUNS_ANSWER_LATE_CONFLICT' }
    await expect(at.runs.answer(run, { ...yes, principal: alice })).rejects.toMatchObject(late)
    expect(await typesAfter(at, run, 'RunSuspended')).toEqual(['ApprovalLapsed', 'AnswerRefused'])
    await expect(at.runs.answer(run, { ...yes, principal: alice })).rejects.toMatchObject(late)
    expect(await typesAfter(at, run, 'ApprovalLapsed')).toEqual(['AnswerRefused'])
    const value = 'ICE_RUNS_APPROVAL_LAPSED_DENIED'
    expect(await at.runs.drive(run)).toMatchObject({ result: { value } })
  })

  it('is waited for by who stays: it escalates, and it lapses', async () => {
    const clock = handClock()
    const at = await world({ kinds, clock, programs: [one] })
    const run = await at.runs.start(one, {}, { grants: asking(terms) })
    const going = at.runs.drive(run, { wait: true })
    await eventually(() => at.types(run)).toContain('ApprovalRequested')
    clock.advance(HOUR)
    await eventually(() => at.types(run)).toContain('ApprovalEscalated')
    clock.advance(HOUR)
    expect(await going).toMatchObject({ result: { value: 'ICE_RUNS_APPROVAL_LAPSED_DENIED' } })
  })

  it('is a lapsed answer to the program that put it, on replay too', async () => {
    const asks = program(async (context) => {
      const first = await context.approval('first', { prompt: 'Go?', timeoutMs: HOUR, by: [alice] })
      return [first, await context.approval('second', { prompt: 'And?' })]
    })
    const clock = handClock()
    const at = await world({ kinds, clock, programs: [asks] })
    const run = await at.runs.start(asks, {})
    await at.runs.drive(run)
    clock.advance(HOUR)
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    await at.runs.answer(run, { step: 'second', approved: true, comment: 'yes' })
    const there = await at.another('bob')
    const lapsed = { approved: false, by: null, comment: null, lapsed: true }
    expect(await there.runs.drive(run)).toMatchObject({
      result: { value: [lapsed, { comment: 'yes' }] },
    })
  })
})

/** Verifies: RUN-R44 */
describe('a standing approval', () => {
  const many = program(async (context, input) => {
    const kinds: string[] = []
    for (const [at, to] of (input as string[]).entries()) {
      kinds.push((await context.attempt(`act-${at}`, doing({ to }))).kind)
    }
    return kinds
  })
  const first = { step: 'act-0', approved: true, principal: alice } as const

  async function asked(input: readonly string[], more: object = {}) {
    const at = await world({ kinds, programs: [many] })
    const options = { grants: asking({ by: [alice] }), ...more }
    const run = await at.runs.start(many, input, options)
    await at.runs.drive(run)
    return { at, run }
  }

  it('is issued with the answer, and stands for the next ones, counted and named', async () => {
    const { at, run } = await asked(['x', 'x', 'x', 'x'])
    const { standing } = await at.runs.answer(run, { ...first, standing: { count: 2 } })
    expect(standing).toMatchObject({ holder: `run/${run}`, caveats: [{ kind: 'count', max: 2 }] })
    const stretch = await at.runs.drive(run)
    // Two by the standing approval, and then a person is asked again.
    expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ step: 'act-3' }] })
    const used = (await at.events(run)).filter(({ type }) => type === 'CapabilityUsed')
    expect(used.map(({ data }) => (data as { standing?: string }).standing)).toEqual([
      undefined,
      standing?.id,
      standing?.id,
    ])
    expect((await at.runs.view(run)).effects.approved).toBe(3)
  })

  it('covers what was shown and no more', async () => {
    const { at, run } = await asked(['x', 'y'])
    const { standing } = await at.runs.answer(run, { ...first, standing: {}, dryRun: true })
    expect(standing?.resource).toMatchObject({ kind: 'approval', actions: ['do'] })
    const { position } = await at.store.head()
    await at.runs.answer(run, { ...first, standing: {} })
    expect((await at.store.head()).position).toBe(position + 2)
    expect(await at.runs.drive(run)).toMatchObject({ waitingFor: [{ step: 'act-1' }] })
    await at.runs.answer(run, { ...first, step: 'act-1', standing: { covers: 'place' } })
    expect(await at.runs.drive(run)).toMatchObject({
      result: { value: ['succeeded', 'succeeded'] },
    })
  })

  it('is revoked like any other grant: the next call is put to a person', async () => {
    const { at, run } = await asked(['x', 'x'])
    const { standing } = await at.runs.answer(run, { ...first, standing: {} })
    await at.grants.revoke(standing?.id as GrantId, { reason: 'not any more' })
    expect(await at.runs.drive(run)).toMatchObject({ waitingFor: [{ step: 'act-1' }] })
  })

  it('aborts the handler at work under it when it is revoked', async () => {
    let acts = 0
    const effects = [
      tool('do', 'observe', ({ signal }) => {
        acts += 1
        if (acts === 1) return 'done'
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      }),
    ]
    const at = await world({ kinds, effects, programs: [many] })
    const run = await at.runs.start(many, ['x', 'x'], { grants: asking() })
    await at.runs.drive(run)
    const { standing } = await at.runs.answer(run, { ...first, standing: {} })
    const going = at.runs.drive(run)
    await eventually(() => acts).toBe(2)
    await at.grants.revoke(standing?.id as GrantId, { reason: 'not any more' })
    expect(await going).toMatchObject({ result: { value: ['succeeded', 'failed'] } })
  })

  it('is held by an agent over runs, with a count or an end', async () => {
    const { at, run } = await asked(['x'], { agent: 'helper' })
    const answer = { ...first, standing: { holder: 'agent' } as const }
    const refused = { code: 'ICE_RUNS_STANDING_UNSUPPORTED' }
    await expect(at.runs.answer(run, answer)).rejects.toMatchObject(refused)
    const session = { ...first, standing: { holder: 'session', count: 1 } as const }
    await expect(at.runs.answer(run, session)).rejects.toMatchObject(refused)
    const counted = { ...first, standing: { holder: 'agent', count: 3 } as const }
    const { standing } = await at.runs.answer(run, counted)
    expect(standing?.holder).toBe('agent/helper')
    await at.runs.drive(run)
    const ids = [standing?.id as GrantId]
    const later = await at.runs.start(many, [], { agent: 'helper', standing: ids })
    expect(await at.runs.drive(later)).toMatchObject({ result: { conclusion: 'committed' } })
    const crowd = Array.from({ length: 17 }, () => ids[0] as GrantId)
    await expect(at.runs.start(many, [], { standing: crowd })).rejects.toMatchObject({
      code: 'ICE_RUNS_GRANTS_UNSUPPORTED',
    })
  })

  it('is none of a refusal, nor of a question of the program', async () => {
    const { at, run } = await asked(['x'])
    const refused = { code: 'ICE_RUNS_STANDING_UNSUPPORTED' }
    const no = { ...first, approved: false, standing: {} }
    await expect(at.runs.answer(run, no)).rejects.toMatchObject(refused)
    const asks = program((context) => context.approval('q', { prompt: 'Go?' }), { name: 'asks' })
    const other = await at.runs.start(asks, {})
    await at.runs.drive(other)
    const q = { step: 'q', approved: true, standing: {} }
    await expect(at.runs.answer(other, q)).rejects.toMatchObject(refused)
  })
})
