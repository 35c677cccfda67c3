import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, type Folder, json, jsonLines } from './support/command.ts'
import { ASK, ECHO, ONCE, PAUSE_GRANT, SLOW, TWINS } from './support/programs.ts'

interface EventRecord {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

async function eventsOf(folder: Folder, run: string): Promise<readonly EventRecord[]> {
  const ended = await folder.ice('events', '--stream', `run/${run}`, '--jsonl')
  return jsonLines<EventRecord>(ended.stdout)
}

/** Starts a run, and waits until some of its effects are recorded. */
async function halfWay(folder: Folder, file: string, steps = 20) {
  const input = ['--input', JSON.stringify({ steps, ms: 100 })]
  const going = folder.start({}, 'run', file, '--grant', PAUSE_GRANT, ...input)
  const [, run = ''] = await going.until('stderr', /^run ([0-9a-f-]{36})/m)
  const followed = folder.start({}, 'events', '--follow', '--stream', `run/${run}`, '--jsonl')
  await followed.until('stdout', /"effect":"pause\/3"/)
  followed.child.kill('SIGTERM')
  await followed.ended
  return { going, run }
}

function outcomes(events: readonly EventRecord[]): readonly unknown[] {
  return events.filter(({ type }) => type === 'EffectSucceeded').map(({ data }) => data['effect'])
}

/** Verifies: CLI-R07 */
describe('a run whose process is killed', () => {
  const folder = emptyFolder()
  folder.file('slow.ts', SLOW)

  it('goes on from where it was, and repeats no recorded effect', async () => {
    const { going, run } = await halfWay(folder, './slow.ts')
    going.child.kill('SIGKILL')
    await going.ended
    const resumed = await folder.ice('resume', run, '--program', './slow.ts', '--json')
    expect(resumed.code).toBe(0)
    expect(json(resumed)).toEqual({ run, conclusion: 'committed', value: { done: 20, denied: 0 } })
    const events = await eventsOf(folder, run)
    expect(new Set(outcomes(events)).size).toBe(20)
    expect(outcomes(events)).toHaveLength(20)
    expect(events.map(({ type }) => type)).toContain('RunClaimed')
    expect(events.at(-1)?.type).toBe('RunTerminated')
    expect((await folder.ice('verify')).code).toBe(0)
  })

  it('is taken over by one of two that try at once, and the other says who has it', async () => {
    const { going, run } = await halfWay(folder, './slow.ts', 80)
    going.child.kill('SIGKILL')
    await going.ended
    const resume = ['resume', run, '--program', './slow.ts', '--json']
    const both = await Promise.all([folder.ice(...resume), folder.ice(...resume)])
    const [winner, loser] = both.toSorted((a, b) => (a.code ?? 0) - (b.code ?? 0))
    expect([winner?.code, loser?.code]).toEqual([0, 4])
    expect(loser?.stderr).toMatch(/ICE_(?:CLI_RUN_OWNED|RUNS_OWNERSHIP)_CONFLICT/)
    expect(outcomes(await eventsOf(folder, run))).toHaveLength(80)
  })

  it('is refused while its owner lives', async () => {
    const { going, run } = await halfWay(folder, './slow.ts', 80)
    const ended = await folder.ice('resume', run, '--program', './slow.ts', '--json')
    expect(ended.code).toBe(4)
    expect(complaint(ended)).toMatchObject({
      code: 'ICE_CLI_RUN_OWNED_CONFLICT',
      next: [`ice show ${run} --follow`],
    })
    expect((await going.ended).code).toBe(0)
  })
})

/** Verifies: CLI-R07 */
describe('a run that is told to stop', () => {
  const folder = emptyFolder()
  folder.file('slow.ts', SLOW)

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops cleanly at %s, and can be gone on with', async (signal, code) => {
    const { going, run } = await halfWay(folder, './slow.ts')
    going.child.kill(signal)
    const ended = await going.ended
    expect(ended.code).toBe(code)
    expect(ended.stderr).toContain(`ice resume ${run} --program ./slow.ts`)
    const view = json<{ run: { conclusion: unknown } }>(await folder.ice('show', run, '--json'))
    expect(view.run.conclusion).toBe(null)
    const resumed = await folder.ice('resume', '--all', '--program', './slow.ts', '--json')
    expect(resumed.code).toBe(0)
    expect(json(resumed)).toMatchObject([{ run, value: { done: 20 } }])
  })

  it('ends at once at the second signal', async () => {
    folder.file('deaf.ts', SLOW.replace('clearTimeout(timer); reject(signal.reason)', ''))
    const { going } = await halfWay(folder, './deaf.ts')
    going.child.kill('SIGINT')
    await going.until('stderr', /once more ends it at once/)
    going.child.kill('SIGINT')
    const { code, signal } = await going.ended
    expect(signal ?? code).toSatisfy((end) => end === 'SIGINT' || end === 130)
  })
})

/** Verifies: CLI-R07 */
describe('ice resume', () => {
  const folder = emptyFolder()
  folder.file('ask.ts', ASK)
  folder.file('echo.ts', ECHO)

  it('needs the program, and says how to name it', async () => {
    const { run } = json<{ run: string }>(await folder.ice('run', './ask.ts#ask', '--json'))
    await folder.ice('approve', run)
    const ended = await folder.ice('resume', run, '--json')
    expect(ended.code).toBe(3)
    expect(complaint(ended)).toMatchObject({ code: 'ICE_RUNS_PROGRAM_NOT_FOUND' })
    folder.file('ice.config.json', '{"programs":{"ask":"./ask.ts"}}')
    expect((await folder.ice('resume', run)).code).toBe(0)
  })

  it('goes on with all that has news, and leaves what still waits', async () => {
    folder.file('ice.config.json', '{"programs":{"ask":"./ask.ts"}}')
    const first = json<{ run: string }>(await folder.ice('run', 'ask', '--json'))
    const second = json<{ run: string }>(await folder.ice('run', 'ask', '--json'))
    expect(json(await folder.ice('resume', '--all', '--json'))).toEqual([])
    await folder.ice('approve', second.run)
    const ended = await folder.ice('resume', '--all', '--jsonl')
    expect(ended.code).toBe(0)
    expect(jsonLines(ended.stdout)).toMatchObject([{ run: second.run, conclusion: 'committed' }])
    const left = await folder.ice('resume', first.run, '--json')
    expect(left.code).toBe(7)
  })

  it('goes on with programs of one file, which share its effects', async () => {
    folder.file('two.ts', TWINS)
    folder.file(
      'ice.config.json',
      '{"programs":{"first":"./two.ts#first","second":"./two.ts#second"}}',
    )
    const grant = ['--grant', PAUSE_GRANT]
    const first = json<{ run: string }>(await folder.ice('run', 'first', ...grant, '--json'))
    const second = json<{ run: string }>(await folder.ice('run', 'second', ...grant, '--json'))
    for (const { run } of [first, second]) await folder.ice('approve', run)
    const ended = await folder.ice('resume', first.run, second.run, '--jsonl')
    expect([ended.code, ended.stderr]).toEqual([0, expect.not.stringContaining('ICE_')])
    expect(jsonLines(ended.stdout)).toMatchObject([
      { run: first.run, conclusion: 'committed' },
      { run: second.run, conclusion: 'committed' },
    ])
  })

  it('gives the result of a run that has ended', async () => {
    const done = await folder.ice('run', './echo.ts', '--input', '5', '--json')
    const { run } = json<{ run: string }>(done)
    const again = await folder.ice('resume', run, '--json')
    expect(json(again)).toEqual(json(done))
  })

  it('wants runs to be named, or --all', async () => {
    expect((await folder.ice('resume')).code).toBe(2)
    expect((await folder.ice('resume', '0190aaaa', '--all')).code).toBe(2)
    const missing = await folder.ice('resume', '0190aaaa', '--json')
    expect(missing.code).toBe(3)
    expect(complaint(missing).code).toBe('ICE_CLI_RUN_NOT_FOUND')
  })
})

/** Verifies: CLI-R08 */
describe('an effect in doubt', () => {
  const folder = emptyFolder()
  folder.file('once.ts', ONCE)

  it('is not approved away, and is resolved with evidence', async () => {
    const { going, run } = await halfWay(folder, './once.ts')
    going.child.kill('SIGKILL')
    await going.ended
    const resume = ['resume', run, '--program', './once.ts', '--json']
    const waiting = await folder.ice(...resume, '--yes')
    expect(waiting.code).toBe(7)
    const { waitingFor } = json<{ waitingFor: { kind: string; step: string }[] }>(waiting)
    expect(waitingFor).toMatchObject([{ kind: 'doubt' }])
    expect(json(await folder.ice('runs', '--in-doubt', '--json'))).toMatchObject([{ run }])
    expect((await folder.ice('approve', run)).code).toBe(3)
    expect((await folder.ice('resolve', run, '--happened')).code).toBe(2)
    const evidence = ['--evidence', 'the receipt is there', '--result', '7']
    expect((await folder.ice('resolve', run, '--happened', ...evidence)).code).toBe(0)
    const done = await folder.ice(...resume)
    expect(json(done)).toMatchObject({ value: { done: 20 } })
  })
})

/** Verifies: CLI-R08 */
describe('ice abort', () => {
  const folder = emptyFolder()
  folder.file('ask.ts', ASK)
  folder.file('slow.ts', SLOW)

  it('ends a run that nobody drives, without its program', async () => {
    const { run } = json<{ run: string }>(await folder.ice('run', './ask.ts#ask', '--json'))
    expect((await folder.ice('abort', run)).code).toBe(2)
    const ended = await folder.ice('abort', run, '--reason', 'no longer wanted', '--json')
    expect(json(ended)).toMatchObject({ run, conclusion: 'aborted' })
    const again = await folder.ice('abort', run, '--reason', 'x', '--json')
    expect(again.code).toBe(4)
    expect(complaint(again).code).toBe('ICE_RUNS_CONCLUDED_CONFLICT')
    expect((await folder.ice('approve', run)).code).toBe(4)
  })

  it('asks the process that drives it', async () => {
    const { going, run } = await halfWay(folder, './slow.ts', 200)
    const asked = await folder.ice('abort', run, '--reason', 'enough')
    expect(asked.code).toBe(0)
    const ended = await going.ended
    expect(ended.code).toBe(8)
    expect(ended.stderr).toContain('enough')
  })

  it('ends it by force, whoever drives it', async () => {
    const { going, run } = await halfWay(folder, './slow.ts', 200)
    const forced = await folder.ice('abort', run, '--reason', 'now', '--force', '--json')
    expect(json(forced)).toMatchObject({ conclusion: 'terminated_by_runtime' })
    expect((await going.ended).code).toBe(8)
  })
})
