import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, type Folder, json, jsonLines } from './support/command.ts'
import { ASK, ECHO, PAUSE_GRANT, SLOW, TALLY } from './support/programs.ts'

interface EventRecord {
  readonly id: string
  readonly position: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

async function tallied(folder: Folder): Promise<string> {
  const grant = ['--grant', 'source=fs.read:./src']
  const ended = await folder.ice('run', './tally.ts', ...grant, '--json')
  return json<{ run: string }>(ended).run
}

async function eventsOf(folder: Folder, ...args: readonly string[]) {
  return jsonLines<EventRecord>((await folder.ice('events', ...args, '--jsonl')).stdout)
}

/** Verifies: CLI-R02, CLI-R09, CLI-R10 */
describe('a log with some runs', () => {
  const folder = emptyFolder()
  folder.file('tally.ts', TALLY)
  folder.file('echo.ts', ECHO)
  folder.file('src/a.txt', 'hello')

  it('is read in every form', async () => {
    const first = await tallied(folder)
    await folder.ice('run', './echo.ts')
    const second = await tallied(folder)
    const runs = json<{ run: string }[]>(await folder.ice('runs', '--program', 'tally', '--json'))
    expect(runs.map(({ run }) => run)).toEqual([second, first])
    const lines = jsonLines((await folder.ice('runs', '--limit', '2', '--jsonl')).stdout)
    expect(lines).toHaveLength(2)
    const table = (await folder.ice('runs')).stdout.split('\n')
    expect(table[0]).toMatch(/^run +program +state +effects/)
    expect(table[1]).toMatch(new RegExp(`^${second} {2}tally 1\\.0\\.0 +committed +1 +1 `))
    expect((await folder.ice('runs', '--state', 'executing', '--json')).stdout).toBe('[]\n')
    expect((await folder.ice('runs', '--state', 'nowhere')).code).toBe(2)
  })

  it('shows a run by the beginning of its id, phase by phase', async () => {
    const run = await tallied(folder)
    const shown = await folder.ice('show', run.slice(0, 30))
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/^execution$/m)
    expect(shown.stdout).toMatch(/✓ fs\.read {2}read {2}under source {2}after \d+ ms/)
    expect(shown.stdout).toMatch(
      /✗ denied {2}outside [^+]*\[ICE_CAPABILITIES_RESOURCE_NOT_GRANTED\]/,
    )
    // Only ids stand in lines of more than 80 columns.
    const wide = shown.stdout.split('\n').filter((line) => line.length > 80)
    expect(wide.filter((line) => !line.includes(run))).toEqual([])
    expect(shown.stdout).toMatch(/1 effects, 0 failed, 1 denied, 0 approved; \d+ events in/)
    const { run: view, timeline } = json<{ run: { run: string }; timeline: { kind: string }[] }>(
      await folder.ice('show', run, '--json'),
    )
    expect(view.run).toBe(run)
    const kinds = timeline.map(({ kind }) => kind)
    for (const kind of ['proposal', 'effect', 'denied', 'conclusion']) expect(kinds).toContain(kind)
    const lines = jsonLines((await folder.ice('show', run, '--jsonl')).stdout)
    expect(lines).toHaveLength(timeline.length + 1)
  })

  it('names its events by stream, type and position', async () => {
    const all = await eventsOf(folder)
    expect(all.map(({ position }) => position)).toEqual(all.map((_, at) => at + 1))
    const some = await eventsOf(
      folder,
      '--type',
      'RunCreated',
      '--type',
      'FileRead',
      '--after',
      '5',
    )
    expect(new Set(some.map(({ type }) => type))).toEqual(new Set(['RunCreated', 'FileRead']))
    expect(some.every(({ position }) => position > 5)).toBe(true)
    expect(await eventsOf(folder, '--limit', '3')).toEqual(all.slice(0, 3))
    expect(await eventsOf(folder, '--limit', '0')).toEqual([])
    expect(await eventsOf(folder, '--after', 'head')).toEqual([])
    expect((await folder.ice('events', '--after', 'x')).code).toBe(2)
    const [line = ''] = (await folder.ice('events', '--limit', '1')).stdout.split('\n')
    expect(line).toMatch(/^ {5}1 {2}\d{4}-.*Z {2}runtime\/log@1 {2}LogConfigured/)
  })

  it('gives the stored bytes, whose hashes make the root that verify notes', async () => {
    const raw = await folder.ice('events', '--raw')
    const { sha256Hex } = await import('@ice/primitives')
    const lines = raw.stdout.split('\n').slice(0, -1)
    const events = await eventsOf(folder)
    const hashes = events.map((event) => (event as unknown as { hash: string }).hash)
    expect(lines.map((line) => sha256Hex(`\0${line}`))).toEqual(hashes)
  })

  it('explains an allowed effect and a denied one', async () => {
    const run = await tallied(folder)
    const events = await eventsOf(folder, '--stream', `run/${run}`)
    const idOf = (type: string): string => events.find((event) => event.type === type)?.id ?? ''
    const read = await folder.ice('why', idOf('FileRead'))
    expect(read.stdout).toMatch(/^proposed by agent:rules: it was asked for$/m)
    expect(read.stdout).toMatch(/^decided allowed$/m)
    expect(read.stdout).toMatch(/issued .* by os:\S+ \(grant\/[0-9a-f-]+@1\)/)
    expect(read.stdout).toMatch(/^outcome FileRead after/m)
    const used = json<{ effect: { decisions: object[] } }>(
      await folder.ice('why', idOf('CapabilityUsed'), '--json'),
    )
    expect(used.effect.decisions).toMatchObject([
      { verdict: 'allowed', chain: [{ label: 'source', parent: null }], outcome: { error: null } },
    ])
    const denied = await folder.ice('why', idOf('CapabilityDenied'))
    expect(denied.stdout).toMatch(/^decided denied$/m)
    expect(denied.stdout).toMatch(/ICE_CAPABILITIES_RESOURCE_NOT_GRANTED/)
    const created = await folder.ice('why', String(3))
    expect(created.code).toBe(0)
    const short = `run/${run.slice(0, 30)}@1`
    expect((await folder.ice('why', short)).stdout).toContain(`RunCreated  run/${run}@1`)
  })

  it('tells what is not there', async () => {
    const missing: readonly (readonly [args: readonly string[], code: string])[] = [
      [['show', '00000000'], 'ICE_CLI_RUN_NOT_FOUND'],
      [['why', '999999'], 'ICE_CLI_EVENT_NOT_FOUND'],
      [['why', 'run/x@1'], 'ICE_CLI_EVENT_NOT_FOUND'],
      [['grants', '--run', 'zzzz'], 'ICE_CLI_RUN_NOT_FOUND'],
      [['verify', 'none.db'], 'ICE_CLI_STORE_NOT_FOUND'],
    ]
    for (const [args, code] of missing) {
      const ended = await folder.ice(...args, '--json')
      expect([ended.code, complaint(ended).code]).toEqual([3, code])
    }
    const short = await folder.ice('show', '01', '--json')
    expect([short.code, complaint(short).code]).toEqual([2, 'ICE_CLI_AMBIGUOUS_UNSUPPORTED'])
    const several = await folder.ice('show', '0', '--json')
    expect(several.code).toBe(2)
  })

  it('is the same after everybody has looked', async () => {
    const before = (await folder.ice('verify', '--json')).stdout
    const looks = [['runs'], ['events'], ['grants'], ['why', '4'], ['doctor'], ['verify']]
    for (const look of looks) expect((await folder.ice(...look)).code).toBe(0)
    expect((await folder.ice('verify', '--json')).stdout).toBe(before)
  })
})

/** Verifies: CLI-R09 */
describe('where there is no log', () => {
  const folder = emptyFolder()

  it('looking begins none', async () => {
    for (const verb of [['runs'], ['events'], ['grants'], ['verify'], ['resume', '--all']]) {
      const ended = await folder.ice(...verb, '--json')
      expect([verb, ended.code, complaint(ended).code]).toEqual([
        verb,
        3,
        'ICE_CLI_STORE_NOT_FOUND',
      ])
    }
    expect((await folder.ice('approve', '0190aaaa')).code).toBe(3)
    expect((await folder.ice('doctor')).code).toBe(0)
    expect(readdirSync(folder.path)).toEqual([])
  })
})

/** Verifies: CLI-R11 */
describe('following', () => {
  const folder = emptyFolder()
  folder.file('slow.ts', SLOW)
  folder.file('echo.ts', ECHO)

  it('sees what another process writes, as it is written', async () => {
    await folder.ice('run', './echo.ts')
    const followed = folder.start({}, 'events', '--follow', '--after', 'head', '--jsonl')
    const run = await folder.ice('run', './echo.ts', '--tag', 'n=2', '--json')
    await followed.until('stdout', /"type":"RunTerminated"/)
    followed.child.kill('SIGTERM')
    const ended = await followed.ended
    expect(ended.code).toBe(143)
    const events = jsonLines<{ stream: string }>(ended.stdout)
    const { run: id } = json<{ run: string }>(run)
    expect(events.map(({ stream }) => stream)).toContain(`run/${id}`)
  })

  it('ends by itself after as many as were asked for, and when a run is over', async () => {
    const some = await folder.ice('events', '--follow', '--limit', '2', '--json')
    expect(json<object[]>(some)).toHaveLength(2)
    const input = ['--grant', PAUSE_GRANT, '--input', '{"steps":8,"ms":100}']
    const going = folder.start({}, 'run', './slow.ts', ...input)
    const [, run = ''] = await going.until('stderr', /^run ([0-9a-f-]{36})/m)
    const shown = await folder.ice('show', run, '--follow')
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/teardown\n.*over\n/)
    expect((await going.ended).code).toBe(0)
  })
})

/** Verifies: CLI-R12 */
describe('names and words that would steer a terminal', () => {
  const folder = emptyFolder()
  const evil = 'a\u001b[2J\u0007\u202etxt.exe\u2066\r\nrun 0000 committed'
  folder.file('ask.ts', ASK)

  it('stand as escapes in what is for people, and in JSON', async () => {
    const input = JSON.stringify({ prompt: evil })
    const tag = ['--tag', `t=${evil.replaceAll('\r\n', '')}`]
    const ended = await folder.ice('run', './ask.ts#ask', '--input', input, ...tag)
    expect(ended.code).toBe(7)
    const listed = json<{ run: string; waitingFor: { prompt: string }[] }[]>(
      await folder.ice('runs', '--json'),
    )
    expect(listed[0]?.waitingFor[0]?.prompt).toBe(evil)
    const run = listed[0]?.run ?? ''
    const looks = [
      await folder.ice('runs'),
      await folder.ice('show', run),
      await folder.ice('events'),
      await folder.ice('events', '--json'),
      await folder.ice('why', `run/${run}@8`),
      await folder.ice('abort', run, '--reason', evil),
      await folder.ice('show', run),
      await folder.ice('show', `${evil}`),
      ended,
    ]
    for (const { stdout, stderr } of looks) {
      expect(stdout + stderr).not.toMatch(/\p{Cf}|\p{Cc}(?<!\n)/u)
    }
  })
})

/** Verifies: CLI-R13 */
describe('large outputs and readers that go away', () => {
  const folder = emptyFolder()
  folder.file('slow.ts', SLOW)

  it('come whole, or end quietly', async () => {
    const input = JSON.stringify({ steps: 1500, ms: 0 })
    await folder.ice('run', './slow.ts', '--grant', PAUSE_GRANT, '--input', input)
    const all = await folder.ice('events', '--json')
    const events = json<EventRecord[]>(all)
    expect(all.stdout.length).toBeGreaterThan(1_000_000)
    expect(events.length).toBeGreaterThan(3000)
    for (const args of [
      ['events'],
      ['events', '--raw'],
      ['events', '--jsonl'],
      ['events', '--json'],
    ]) {
      const going = folder.start({}, ...args)
      await going.until('stdout', /./)
      going.child.stdout.destroy()
      expect(await going.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    }
  })

  it('end following, too', async () => {
    const going = folder.start({}, 'events', '--follow')
    await going.until('stdout', /RunTerminated/)
    going.child.stdout.destroy()
    writeFileSync(join(folder.path, 'echo.ts'), ECHO)
    await folder.ice('run', './echo.ts')
    expect((await going.ended).code).toBe(0)
  })

  it('leave a run to its end when nobody reads the result', async () => {
    const input = '{"steps":5,"ms":50}'
    const going = folder.start({}, 'run', './slow.ts', '--grant', PAUSE_GRANT, '--input', input)
    going.child.stdout.destroy()
    expect((await going.ended).code).toBe(0)
    const [last] = json<{ conclusion: string }[]>(
      await folder.ice('runs', '--limit', '1', '--json'),
    )
    expect(last?.conclusion).toBe('committed')
    expect(statSync(join(folder.path, '.ice/ice.db')).isFile()).toBe(true)
  })
})
