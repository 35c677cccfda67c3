/** Verifies: RUN-R100, RUN-R101, RUN-R102, RUN-R103 */
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import type { RunContext } from '../src/ports.ts'
import { any, doing, eventually, grants, program, tool, world } from './harness.ts'

const YEAR_MS = 365 * 86_400_000
const words = {
  parse: (value: unknown) => {
    if (typeof value !== 'string') throw new Error('not a word')
    return value
  },
}
const signals = { paid: words, other: any }

describe('a run that waits for a time', () => {
  const nap = (ms: number) =>
    program(async (context) => {
      await context.effect('before', doing())
      await context.sleep('nap', ms)
      return context.now
    })

  test('holds nothing, and goes on a year later, in another process', async () => {
    const clock = manualClock(1_000_000)
    const one = await world({ clock })
    const { run, stretch } = await one.runs.execute(nap(YEAR_MS), null, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended', until: 1_000_000 + YEAR_MS })
    one.die()
    const two = await one.another('bob', { programs: [nap(YEAR_MS)] })
    expect(await two.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    await clock.advance(YEAR_MS)
    const value = 1_000_000 + YEAR_MS
    const result = { conclusion: 'committed', value }
    expect(await two.runs.drive(run)).toEqual({ kind: 'concluded', result })
    expect([...one.witness, ...two.witness]).toEqual(['before'])
    const types = await two.types(run)
    expect(types.filter((type) => type.startsWith('Timer'))).toEqual(['TimerSet', 'TimerFired'])
  })

  test('stays when the time is near, and when it is told to wait', async () => {
    const { runs } = await world()
    expect((await runs.execute(nap(5), null, { grants })).stretch.kind).toBe('concluded')
    const clock = manualClock(0)
    const slow = await world({ clock })
    const run = await slow.runs.start(nap(2000), null, { grants })
    const going = slow.runs.drive(run, { wait: true })
    await eventually(async () => (await slow.runs.view(run)).waits.length).toBe(1)
    await clock.advance(2000)
    expect((await going).kind).toBe('concluded')
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300])('refuses %s', async (ms) => {
    const { runs } = await world()
    const { stretch } = await runs.execute(nap(ms), null, { grants })
    expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(stretch).toMatchObject({ result: { reason: expect.stringContaining('milliseconds') } })
  })

  test('has gone another way when it waits for another time', async () => {
    const one = await world()
    const { run } = await one.runs.execute(nap(YEAR_MS), null, { grants })
    one.die()
    const two = await one.another('bob', { programs: [nap(YEAR_MS + 1)] })
    const error = { code: RUNS_CODES.diverged }
    expect(await two.runs.drive(run)).toMatchObject({ kind: 'quarantined', quarantine: { error } })
  })
})

describe('a signal', () => {
  const paying = program(
    async (context) => {
      const first = await context.signal<string>('first', 'paid')
      const second = await context.signal<string>('second', 'paid', { timeoutMs: 1000 })
      return [first?.value ?? null, first?.by ?? null, second?.value ?? null]
    },
    { signals },
  )

  test('is taken in the order of sending, once, and by the person who sent it', async () => {
    const { runs, types } = await world({ programs: [paying] })
    const run = await runs.start(paying, null)
    await runs.signal(run, { signal: 'paid', payload: 'a', principal: 'os:eve' as never })
    await runs.signal(run, { signal: 'other', payload: 1 })
    await runs.signal(run, { signal: 'paid', payload: 'b' })
    const stretch = await runs.drive(run)
    expect(stretch).toMatchObject({ result: { value: ['a', 'os:eve', 'b'] } })
    expect(await types(run)).not.toContain('SignalAwaited')
  })

  test('wakes a run that waits here, and is found by one that was suspended', async () => {
    const one = await world({ programs: [paying] })
    const { run, stretch } = await one.runs.execute(paying, null)
    expect(stretch).toMatchObject({ kind: 'suspended', until: null, waits: [{ signal: 'paid' }] })
    one.die()
    const two = await one.another('bob')
    const going = two.runs.drive(run, { wait: true })
    await one.runs.signal(run, { signal: 'paid', payload: 'a' })
    expect(await going).toMatchObject({ result: { value: ['a', 'os:test', null] } })
    expect(await two.types(run)).toContain('WaitLapsed')
  })

  test('that meets a run as it falls asleep keeps it awake', async () => {
    const clock = manualClock(0)
    const one = await world({ clock, programs: [paying] })
    const run = await one.runs.start(paying, null)
    // Sent between the look into the inbox and the append of the suspension.
    const { append } = one.log
    let sent = false
    Object.assign(one.log, {
      append: async (request: Parameters<typeof append>[0]) => {
        const types = request.writes.flatMap(({ events }) => events.map(({ type }) => type))
        if (!sent && types.includes('RunSuspended')) {
          sent = true
          await one.runs.signal(run, { signal: 'paid', payload: 'a' })
        }
        return append(request)
      },
    })
    expect(await one.runs.drive(run)).toMatchObject({ waits: [{ step: 'second' }] })
  })

  test('of one key is one signal; of the same key and another value a conflict', async () => {
    const { runs } = await world({ programs: [paying] })
    const run = await runs.start(paying, null)
    const signal = { signal: 'paid', payload: 'a', key: 'k' }
    await Promise.all([
      runs.signal(run, signal),
      runs.signal(run, signal),
      runs.signal(run, signal),
    ])
    await expect(runs.signal(run, { ...signal, payload: 'b' })).rejects.toMatchObject({
      code: RUNS_CODES.keyConflict,
    })
    const { stretch } = { stretch: await runs.drive(run) }
    expect(stretch).toMatchObject({ kind: 'suspended', waits: [{ step: 'second' }] })
  })

  test('that does not fit is refused where it is sent, and thrown where it is taken', async () => {
    const { runs, log } = await world({ programs: [paying] })
    const run = await runs.start(paying, null)
    const refused = { code: RUNS_CODES.signalInvalid }
    await expect(runs.signal(run, { signal: 'paid', payload: 7 })).rejects.toMatchObject(refused)
    await expect(runs.signal(run, { signal: 'constructor' })).rejects.toMatchObject(refused)
    // By a process that does not know the program.
    const { sealValue } = await import('../src/index.ts')
    const { ref: payload, digest } = sealValue(7)
    const data = { signal: 'paid', payload, digest }
    const stream = `inbox/${run}` as never
    const events = [{ type: 'SignalReceived', data }]
    await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
    expect(await runs.drive(run)).toMatchObject({ result: { conclusion: 'aborted' } })
  })

  test('cannot be sent to a run that has ended', async () => {
    const { runs } = await world()
    const { run } = await runs.execute(
      program(async () => 1),
      null,
    )
    await expect(runs.signal(run, { signal: 'paid' })).rejects.toMatchObject({
      code: RUNS_CODES.concluded,
    })
  })

  test('from an untrusted source raises the mark of the run that takes it', async () => {
    const { runs } = await world({ programs: [paying] })
    const run = await runs.start(paying, null)
    const label = { sources: ['web'], readers: null }
    await runs.signal(run, { signal: 'paid', payload: 'a', label })
    expect((await runs.view(run)).label.sources).toEqual([])
    await runs.drive(run)
    expect((await runs.view(run)).label.sources).toEqual(['web'])
  })
})

describe('an event of the log', () => {
  test('is waited for from when the step asked; nothing of what is in it is given', async () => {
    const waiting = program(async (context) => {
      const query = { types: ['RunTerminated'], streamPrefix: 'run/' }
      const event = await context.event('end', query)
      const none = await context.event('none', { types: ['FileRead'] }, { timeoutMs: 20 })
      return [event as never, none]
    })
    const { runs } = await world()
    await runs.execute(
      program(async () => 'before'),
      null,
    )
    const run = await runs.start(waiting, null)
    const going = runs.drive(run, { wait: true })
    await eventually(async () => (await runs.view(run)).waits.length).toBe(1)
    const other = await runs.execute(
      program(async () => 'after'),
      null,
    )
    const stream = `run/${other.run}`
    const event = { type: 'RunTerminated', stream, event: expect.stringContaining(stream) }
    expect(await going).toMatchObject({ result: { value: [event, null] } })
  })
})

describe('branches', () => {
  const race = (context: RunContext) =>
    context.race<unknown>('first', {
      slow: async (branch) => branch.effect('act', doing()),
      fast: async (branch) => branch.sleep('nap', 1),
      word: async (branch) => branch.signal('word', 'paid'),
    })

  test('the first wins, the others are cancelled, and a replay finds the same', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const aborted: string[] = []
    const slow = tool('do', 'idempotent', async ({ effect, signal }) => {
      signal.addEventListener('abort', () => {
        aborted.push(effect)
        release()
      })
      await held
      return 'late'
    })
    const racing = program(
      async (context) => {
        const won = await race(context)
        await context.signal('more', 'other')
        return won.name
      },
      { signals },
    )
    const one = await world({ effects: [slow], programs: [racing] })
    const { run, stretch } = await one.runs.execute(racing, null, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended', waits: [{ step: 'more' }] })
    expect(aborted).toEqual(['first/slow/act'])
    one.die()
    const two = await one.another('bob')
    await two.runs.signal(run, { signal: 'other' })
    expect(await two.runs.drive(run)).toMatchObject({ result: { value: 'fast' } })
    const types = await two.types(run)
    expect(types.filter((type) => type === 'ScopeCancelled')).toHaveLength(1)
    expect(types.filter((type) => type === 'EffectSucceeded')).toHaveLength(1)
  })

  test('what a loser left open when its owner died is settled by the next', async () => {
    const stuck = tool('do', 'irreversible', () => new Promise(() => undefined))
    const racing = program(async (context) => {
      const won = await context.race<unknown>('first', {
        slow: async (branch) => branch.effect('act', doing()),
        fast: async (branch) => branch.sleep('nap', 1),
      })
      return won.name
    })
    const one = await world({ effects: [stuck], programs: [racing] })
    const run = await one.runs.start(racing, null, { grants })
    void one.runs.drive(run)
    await eventually(async () => (await one.types(run)).includes('ScopeCancelled')).toBe(true)
    one.die()
    const two = await one.another('bob')
    const stretch = await two.runs.drive(run)
    // It does not commit over a doubt.
    expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ kind: 'doubt' }] })
    const evidence = 'nothing was sent'
    await two.runs.resolveDoubt(run, { effect: 'first/slow/act', happened: false, evidence })
    expect(await two.runs.drive(run)).toMatchObject({ result: { value: 'fast' } })
  })

  test('all gives every result; the first failure cancels the rest', async () => {
    const failing = tool('fail', 'idempotent', () => {
      throw new Error('no')
    })
    const { runs } = await world({ effects: [tool('do'), failing] })
    const own = {
      g: {
        ...grants.g,
        actions: ['do', 'fail'],
        resource: { kind: 'tool' as const, names: ['do', 'fail'] },
      },
    }
    const good = program(async (context) =>
      context.all('both', {
        a: (branch) => branch.effect('x', doing({ n: 1 })),
        b: (branch) => branch.effect('x', doing({ n: 2 })),
      }),
    )
    const done = await runs.execute(good, null, { grants: own })
    expect(done.stretch).toMatchObject({ result: { value: { a: { n: 1 }, b: { n: 2 } } } })
    const bad = program(async (context) =>
      context.all<unknown>('both', {
        a: (branch) => branch.effect('x', doing({}, 'fail')),
        b: (branch) => branch.sleep('nap', YEAR_MS),
      }),
    )
    const failed = await runs.execute(bad, null, { grants: own })
    expect(failed.stretch).toMatchObject({ result: { conclusion: 'aborted' } })
    const some = program(async (context) =>
      context.any<unknown>('one', {
        a: (branch) => branch.effect('x', doing({}, 'fail')),
        b: (branch) => branch.effect('x', doing({ n: 2 })),
      }),
    )
    const any = await runs.execute(some, null, { grants: own })
    expect(any.stretch).toMatchObject({ result: { value: { name: 'b', value: { n: 2 } } } })
  })

  test('map keeps to its concurrency and to the order of its items', async () => {
    let at = 0
    let most = 0
    const counting = tool('do', 'idempotent', async ({ arguments: args }) => {
      at += 1
      most = Math.max(most, at)
      await new Promise((resolve) => setImmediate(resolve))
      at -= 1
      return args
    })
    const mapping = program(async (context) => {
      const items = Array.from({ length: 20 }, (_, i) => i)
      const each = (branch: RunContext, n: number) => branch.effect('x', doing({ n }))
      return (await context.map('each', items, each, { concurrency: 3 })) as unknown[]
    })
    const { runs } = await world({ effects: [counting] })
    const { stretch } = await runs.execute(mapping, null, { grants })
    const value = Array.from({ length: 20 }, (_, n) => ({ n }))
    expect(stretch).toMatchObject({ result: { value } })
    expect(most).toBe(3)
  })
})

test('ids that a program makes are the same on every replay', async () => {
  const making = program(async (context) => {
    const before = context.uuid()
    const inner = context.scope('inner').uuid()
    await context.approval('go', { prompt: 'go?' })
    return [before, inner, context.uuid()]
  })
  const one = await world({ programs: [making] })
  const { run } = await one.runs.execute(making, null)
  const seen = new Set<string>()
  for (const name of ['bob', 'eve']) {
    const two = await one.another(name)
    one.die()
    if (name === 'eve') await two.runs.answer(run, { step: 'go', approved: true })
    const stretch = await two.runs.drive(run)
    if (stretch.kind === 'concluded') seen.add(JSON.stringify(stretch.result))
    two.die()
  }
  expect(seen.size).toBe(1)
  const ids = JSON.parse([...seen][0] as string).value as string[]
  expect(new Set(ids).size).toBe(3)
})
