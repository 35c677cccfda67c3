import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, json, jsonLines } from './support/command.ts'
import { PAUSE_GRANT, REPLACE, SLOW } from './support/programs.ts'

const me = `os:${userInfo().username}`

interface Stop {
  readonly scope: string
  readonly stopped: boolean
  readonly by: string
}

/** Verifies: CLI-R40 */
describe('ice stop', () => {
  const folder = emptyFolder()
  folder.file('slow.ts', SLOW)
  const started = async (steps: number, ms: number) => {
    const input = JSON.stringify({ steps, ms })
    const going = folder.start(
      {},
      ...['run', './slow.ts', '--input', input, '--grant', PAUSE_GRANT, '--agent', 'helper'],
      ...['--session', 's1', '--json'],
    )
    const [, run = ''] = await going.until('stderr', /"run":"([0-9a-f-]{36})"/)
    return { going, run }
  }

  it.each(['run', 'agent', 'session', 'operator', 'all'])(
    'of %s ends what a run at work may do, in another process',
    async (kind) => {
      const { going, run } = await started(2, 60_000)
      const ids = { run: run.slice(0, 23), agent: 'helper', session: 's1', operator: me }
      const scope = kind === 'all' ? 'all' : `${kind}/${ids[kind as keyof typeof ids]}`
      const full = kind === 'run' ? `run/${run}` : scope
      let preview: { effects: readonly { run: string; effect: string }[] }
      // The handler is at work once its intent is there to be seen.
      do preview = json(await folder.ice('stop', scope, '--dry-run', '--json'))
      while (preview.effects.length === 0)
      expect(preview).toMatchObject({ dryRun: true, scope: full, runs: [run] })
      expect(preview.effects).toMatchObject([{ run, effect: 'pause/1', action: 'test.pause' }])
      expect((await folder.ice('stop', scope)).code).toBe(2)
      const stopped = await folder.ice('stop', scope, '--reason', 'enough', '--json')
      expect(json<Stop>(stopped)).toMatchObject({ scope: full, stopped: true, by: me })
      // A minute's pause ends now; the next one is refused before it begins.
      expect(json(await going.ended)).toMatchObject({ value: { denied: 1, done: 1 } })
      const lifted = await folder.ice('stop', scope, '--lift', '--reason', 'looked at', '--json')
      expect(json<Stop>(lifted)).toMatchObject({ scope: full, stopped: false })
    },
  )

  it('lists what was ever stopped', async () => {
    const listed = jsonLines<Stop>((await folder.ice('stop', '--jsonl')).stdout)
    expect(listed.map(({ stopped }) => stopped)).toEqual([false, false, false, false, false])
    expect((await folder.ice('stop')).stdout).toMatch(/^lifted {2}agent\/helper /m)
  })

  it('refuses what is no scope', async () => {
    const ended = await folder.ice('stop', 'everything', '--reason', 'x', '--json')
    expect([ended.code, complaint(ended).code]).toEqual([2, 'ICE_CLI_USAGE_UNSUPPORTED'])
    expect((await folder.ice('stop', 'all', '--lift', '--dry-run')).code).toBe(2)
  })
})

/** Verifies: CLI-R41 */
describe('ice approve', () => {
  const folder = emptyFolder()
  folder.file('replace.ts', REPLACE)
  folder.file('out/out.txt', 'old')
  const asks = async (options: string): Promise<string> => {
    const grant = `out=fs.replace:./out;approval${options}`
    const ended = await folder.ice('run', './replace.ts', '--grant', grant, '--json')
    expect(ended.code).toBe(7)
    return json<{ run: string }>(ended).run
  }

  it('is refused to whoever is not among the approvers, and that is recorded', async () => {
    const run = await asks(';approvers=os:nobody-here,key:a;approval-timeout=2h')
    const ended = await folder.ice('approve', run, '--json')
    expect([ended.code, complaint(ended).code]).toEqual([5, 'ICE_RUNS_ANSWERER_DENIED'])
    const shown = await folder.ice('show', run)
    expect(shown.stdout).toContain('an answer that does not count')
    expect((await folder.ice('resume', run, '--program', './replace.ts')).code).toBe(7)
  })

  it('comes too late once the question has lapsed, which denies', async () => {
    const run = await asks(`;approvers=${me};approval-timeout=4s`)
    await sleep(4_100)
    const ended = await folder.ice('approve', run, '--json')
    expect([ended.code, complaint(ended).code]).toEqual([4, 'ICE_RUNS_ANSWER_LATE_CONFLICT'])
    const resumed = await folder.ice('resume', run, '--program', './replace.ts', '--json')
    expect(json(resumed)).toMatchObject({
      value: { kind: 'denied', denial: { code: 'ICE_RUNS_APPROVAL_LAPSED_DENIED' } },
    })
  })

  it('--always shows what it covers, and then issues a grant that can be revoked', async () => {
    const run = await asks(`;approvers=${me}`)
    const always = [
      'approve',
      run,
      '--always',
      '--covers',
      'place',
      '--count',
      '3',
      '--until',
      '2h',
    ]
    const shown = await folder.ice(...always, '--dry-run')
    expect(shown.stdout).toMatch(/^would approve {2}put: Allow fs\.replace out\.txt\?$/m)
    expect(shown.stdout).toMatch(/^ {2}with any arguments$/m)
    expect(shown.stdout).toMatch(/^ {2}at most 3 times$/m)
    const given = await folder.ice(...always, '--json')
    const { standing } = json<{ standing: { id: string; holder: string } }>(given)
    expect(standing.holder).toBe(`run/${run}`)
    expect((await folder.ice('resume', run, '--program', './replace.ts')).code).toBe(0)
    const preview = await folder.ice('revoke', standing.id, '--dry-run', '--json')
    expect(json(preview)).toMatchObject({ ended: [standing.id], openRuns: [] })
    expect((await folder.ice('revoke', standing.id, '--reason', 'no more')).code).toBe(0)
    expect((await folder.ice('approve', run, '--count', '3')).code).toBe(2)
  })

  it.each([
    ';approval-for=fs.replace;approvers=os:a b',
    ';approval-timeout=soon',
    ';escalate-after=1h',
  ])('has no terms like "%s"', async (options) => {
    const grant = `out=fs.replace:./out;approval${options}`
    const ended = await folder.ice('run', './replace.ts', '--grant', grant, '--json')
    expect(ended.code).toBe(2)
  })

  it('has no terms where nothing is to be approved', async () => {
    const grant = 'out=fs.replace:./out;approvers=os:ann'
    const ended = await folder.ice('run', './replace.ts', '--grant', grant, '--json')
    expect(complaint(ended).code).toBe('ICE_CLI_GRANT_UNSUPPORTED')
  })
})
