import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, type Folder, json } from './support/command.ts'
import { REFUSED } from './support/programs.ts'

/** Looks at a file, asks a person when it is long, and waits for a word. */
const SHOP = `import { defineProgram } from '@ice/runs'
import { fs } from '@ice/effects'
import { z } from 'zod'
export default defineProgram({
  name: 'shop',
  version: '1.0.0',
  input: z.object({ path: z.string().default('a.txt') }),
  output: z.unknown(),
  needs: ['source'],
  async run(context, { path }) {
    const text = await context.effect('read', fs.read('source', { path }))
    if (text.length > 100) {
      const { approved } = await context.approval('long', { prompt: 'So long?' })
      if (!approved) return 'too long'
    }
    const copy = { path: 'b.txt', content: text }
    const written = await context.attempt('write', fs.write('source', copy))
    return { characters: text.length, written: written.kind }
  },
})
`

const GRANT = 'source=fs.read,fs.write:.'

async function shopped(folder: Folder): Promise<string> {
  folder.file('shop.ts', SHOP)
  folder.file('a.txt', 'one two')
  const done = await folder.ice('run', './shop.ts', '--grant', GRANT, '--json')
  const { run } = json<{ run: string }>(done)
  expect(run).toMatch(/^[0-9a-f-]{36}$/)
  return run
}

/** Verifies: CLI-R190 */
describe('ice replay --check', () => {
  const folder = emptyFolder()

  it('finds histories equal, in a log and in its export, and tells what differs', async () => {
    const run = await shopped(folder)
    const equal = await folder.ice('replay', '--check', '--programs', './shop.ts')
    expect([equal.code, equal.stdout]).toEqual([0, '1 run: 1 equal, 0 different\n'])
    const exported = await folder.ice('log', 'export', '--output', 'history.jsonl')
    expect(exported.code).toBe(0)
    const again = await folder.ice(
      ...['replay', '--check', '--all', 'history.jsonl', '.ice/ice.db', '--programs', 'shop.ts'],
    )
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('2 runs: 2 equal, 0 different')
    expect(again.stdout).toContain(`equal      ${run}  shop 1.0.0, `)

    folder.file('other.ts', SHOP.replace("'write', fs.write", "'wrote', fs.write"))
    const other = await folder.ice('replay', '--check', 'history.jsonl', '--programs', 'other.ts')
    expect(other.code).toBe(1)
    expect(other.stdout).toContain(`different  ${run}`)
    expect(other.stdout).toMatch(/at "write": the program has not asked for it/)
    expect(other.stdout).toMatch(/recorded +CapabilityUsed run\/\S+@\d+\n +action: fs\.write/)
    expect(other.stdout).toMatch(/nearest +"wrote", an effect/)
    const told = json<readonly Readonly<Record<string, unknown>>[]>(
      await folder.ice('replay', '--check', 'history.jsonl', '--programs', 'other.ts', '--json'),
    )
    expect(told).toMatchObject([
      {
        history: 'history.jsonl',
        run,
        outcome: 'different',
        difference: { step: 'write', nearest: [{ step: 'wrote' }] },
      },
      { summary: { histories: 1, different: 1 } },
    ])
  })

  it('says which runs no program drives, and refuses what is no history', async () => {
    folder.file('next.ts', SHOP.replace("'1.0.0'", "'2.0.0'"))
    const none = await folder.ice('replay', '--check', '--programs', './next.ts')
    expect(none.code).toBe(3)
    expect(none.stdout).toContain('unmatched')
    const any = await folder.ice('replay', '--check', '--any-version', '--programs', './next.ts')
    expect(any.code).toBe(0)
    folder.file('torn.jsonl', '{"ice-export":1}\n{"v":1')
    folder.file('none.ts', 'export const nothing = 1\n')
    const cases: readonly (readonly [args: readonly string[], code: number, error: string])[] = [
      [['--programs', 'shop.ts'], 2, 'ICE_CLI_USAGE_UNSUPPORTED'],
      [['--check', 'no.jsonl', '--programs', 'shop.ts'], 3, 'ICE_CLI_FILE_NOT_FOUND'],
      [['--check', '--programs', 'none.ts'], 2, 'ICE_CLI_PROGRAM_UNSUPPORTED'],
      [['--check', '--programs', 'gone.ts'], 3, 'ICE_CLI_PROGRAM_NOT_FOUND'],
      [['--check', '--run', '00000000', '--programs', 'shop.ts'], 3, 'ICE_CLI_RUN_NOT_FOUND'],
    ]
    for (const [args, code, error] of cases) {
      const refused = await folder.ice('replay', ...args, '--json')
      expect([args, refused.code, complaint(refused).code]).toEqual([args, code, error])
    }
    const torn = await folder.ice('replay', '--check', 'torn.jsonl', '--programs', 'shop.ts')
    expect(torn.code).not.toBe(0)
    expect(torn.stderr).toMatch(/ICE_EVENTS_/)
  })
})

/** Verifies: CLI-R191, CLI-R192 */
describe('ice fork and ice rerun', () => {
  const folder = emptyFolder()

  it('says what would have been, and does none of it', async () => {
    const run = await shopped(folder)
    const before = json<{ head: number }>(await folder.ice('log', 'stats', '--json'))
    const long = JSON.stringify('x'.repeat(200))
    const common = ['fork', run.slice(0, 32), '--program', './shop.ts']
    const asked = await folder.ice(...common, '--outcome', `read=${long}`)
    expect(asked.code).toBe(0)
    expect(asked.stdout).toContain('nothing was performed')
    expect(asked.stdout).toMatch(/^was {4}committed /m)
    expect(asked.stdout).toMatch(/^would {2}has not ended$/m)
    expect(asked.stdout).toMatch(/\? long {2}question: nobody has answered/)
    const replaced = ['--outcome', `read=${long}`, '--answer', 'long=no:too much']
    const refused = await folder.ice(...common, ...replaced, '--json')
    expect(json(refused)).toMatchObject({
      run,
      result: { would: { conclusion: 'committed', value: 'too long' }, same: false },
      unanswered: [],
    })
    const view = json<{ run: { grants: { source: string } } }>(
      await folder.ice('show', run, '--json'),
    )
    const revoked = await folder.ice(...common, '--revoke', view.run.grants.source, '--json')
    expect(json(revoked)).toMatchObject({
      decisions: [{ effect: 'read', outcome: 'flip', would: { verdict: 'denied' } }],
      result: { would: { conclusion: 'aborted' } },
    })
    folder.file('no.cedar', 'forbid(principal, action == Ice::Action::"fs.write", resource);')
    const policy = ['--policy', 'no.cedar', '--policy-default', 'permit']
    const forbidden = await folder.ice(...common, ...policy)
    expect(forbidden.stdout).toMatch(/flip {2}write: fs\.write, was allowed, would be denied/)
    expect(json(await folder.ice('log', 'stats', '--json'))).toMatchObject({
      head: before.head,
    })
  })

  it('refuses what cannot be replaced', async () => {
    const { run } = json<readonly { run: string }[]>(await folder.ice('runs', '--json'))[0] as {
      run: string
    }
    const cases: readonly (readonly [args: readonly string[], error: string])[] = [
      [['--outcome', 'read'], 'ICE_CLI_USAGE_UNSUPPORTED'],
      [['--outcome', 'read={'], 'ICE_CLI_USAGE_UNSUPPORTED'],
      [['--outcome', 'read=1', '--failure', 'read=no'], 'ICE_CLI_USAGE_UNSUPPORTED'],
      [['--answer', 'long=maybe'], 'ICE_CLI_USAGE_UNSUPPORTED'],
      [['--at', '12', '--outcome', 'read=1'], 'ICE_RUNS_FORK_UNSUPPORTED'],
      [['--at', '999'], 'ICE_RUNS_FORK_UNSUPPORTED'],
      [['--revoke', '00000000'], 'ICE_CLI_GRANT_NOT_FOUND'],
    ]
    for (const [args, error] of cases) {
      const refused = await folder.ice('fork', run, '--program', 'shop.ts', ...args, '--json')
      expect([args, complaint(refused).code]).toEqual([args, error])
    }
  })

  it('starts a new run with the same input, under grants that are named anew', async () => {
    const [{ run } = { run: '' }] = json<readonly { run: string }[]>(
      await folder.ice('runs', '--json'),
    )
    const without = await folder.ice('rerun', run, '--program', './shop.ts', '--json')
    expect(complaint(without).code).toBe('ICE_RUNS_GRANTS_UNSUPPORTED')
    folder.file('a.txt', 'one two three')
    const narrow = 'source=fs.read:.'
    const done = await folder.ice(
      'rerun',
      run,
      '--program',
      './shop.ts',
      '--grant',
      narrow,
      '--json',
    )
    expect(json(done)).toMatchObject({
      conclusion: 'committed',
      value: { characters: 13, written: 'denied' },
    })
    const views = json<readonly { run: string; tags: object }[]>(await folder.ice('runs', '--json'))
    expect(views).toHaveLength(2)
    expect(views[0]?.tags).toEqual({ 'rerun-of': run })
  })
})

/** Verifies: CLI-R193 */
describe('ice show --at', () => {
  const folder = emptyFolder()

  it('shows a run as it was, and refuses versions it has not', async () => {
    const run = await shopped(folder)
    type Shown = { run: { state: string; version: number }; timeline: readonly object[] }
    const whole = json<Shown>(await folder.ice('show', run, '--json'))
    const then = json<Shown>(await folder.ice('show', run, '--at', '8', '--json'))
    expect(then.run).toMatchObject({ state: 'EXECUTING', version: 8 })
    expect(then.timeline.length).toBeLessThan(whole.timeline.length)
    expect(whole.timeline.slice(0, then.timeline.length)).toEqual(then.timeline)
    const { version } = whole.run
    expect(json(await folder.ice('show', run, '--at', `${version}`, '--json'))).toEqual(whole)
    for (const at of ['0', `${version + 1}`]) {
      const refused = await folder.ice('show', run, '--at', at, '--json')
      expect([at, complaint(refused).code]).toEqual([at, 'ICE_CLI_EVENT_NOT_FOUND'])
    }
    const both = await folder.ice('show', run, '--at', '8', '--follow')
    expect(both.code).toBe(2)
  })

  it('tells of no error that a run had not come to', async () => {
    folder.file('refused.ts', REFUSED)
    const { run } = json<{ run: string }>(await folder.ice('run', './refused.ts', '--json'))
    type Shown = { run: { version: number }; error: { code: string } | null }
    const shown = async (...more: readonly string[]): Promise<Shown> =>
      json<Shown>(await folder.ice('show', run, ...more, '--json'))
    const { error, ...whole } = await shown()
    expect(error?.code).toMatch(/_DENIED$/)
    const { version } = whole.run
    expect((await shown('--at', `${version}`)).error).toEqual(error)
    expect((await shown('--at', '5')).error).toBeNull()
  })
})
