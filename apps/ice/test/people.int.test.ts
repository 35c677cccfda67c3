import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { complaint, type Ended, emptyFolder, json, jsonLines } from './support/command.ts'
import { ASK, PAUSE_GRANT, REPLACE, SLOW } from './support/programs.ts'

interface Waiting {
  readonly run: string
  readonly waitingFor: readonly { readonly step: string; readonly answer: readonly string[] }[]
  readonly resume: string
}

function words(command: string): readonly string[] {
  return command.split(' ').slice(1)
}

/** Verifies: CLI-R06 */
describe('a run that waits for a person', () => {
  const folder = emptyFolder()
  folder.file('ask.ts', ASK)
  const suspended = async (...more: readonly string[]): Promise<Waiting> => {
    const ended = await folder.ice('run', './ask.ts#ask', '--json', ...more)
    expect(ended.code).toBe(7)
    return json<Waiting>(ended)
  }

  it('ends with 7, and says exactly how to answer and go on', async () => {
    const { run, waitingFor, resume } = await suspended()
    const [approve = '', reject = ''] = waitingFor[0]?.answer ?? []
    expect(approve).toBe(`ice approve ${run} ask-1`)
    expect(reject).toBe(`ice reject ${run} ask-1`)
    expect((await folder.ice(...words(approve))).code).toBe(0)
    const resumed = await folder.ice(...words(resume.replaceAll("'", '')), '--json')
    expect(resumed.code).toBe(0)
    expect(json(resumed)).toMatchObject({ run, value: [{ approved: true }] })
  })

  it('tells people what to type', async () => {
    const ended = await folder.ice('run', './ask.ts#ask')
    expect(ended.code).toBe(7)
    expect(ended.stdout).toBe('')
    expect(ended.stderr).toMatch(/^ {4}ice approve [0-9a-f-]{36} ask-1$/m)
    expect(ended.stderr).toMatch(/^ {4}ice resume [0-9a-f-]{36} --program '\.\/ask\.ts#ask'$/m)
  })

  it('is rejected with a comment, which the program is given', async () => {
    const { run } = await suspended()
    await folder.ice('reject', run.slice(0, 20), '--comment', 'not now')
    const resumed = await folder.ice('resume', run, '--program', 'ask.ts', '--json')
    expect(json<{ value: object }>(resumed).value).toMatchObject([
      { approved: false, comment: 'not now' },
    ])
  })

  it('has its step named when several wait', async () => {
    const { run } = await suspended('--input', '{"questions":2}')
    const ended = await folder.ice('approve', run, '--json')
    expect(ended.code).toBe(2)
    expect(complaint(ended)).toMatchObject({
      code: 'ICE_CLI_AMBIGUOUS_UNSUPPORTED',
      next: [`ice approve ${run} ask-1`, `ice approve ${run} ask-2`],
    })
    expect((await folder.ice('approve', run, 'ask-2')).code).toBe(0)
    expect((await folder.ice('approve', run, 'ask-2', '--json')).code).toBe(3)
    expect((await folder.ice('approve', run)).code).toBe(0)
    expect((await folder.ice('resume', run, '--program', './ask.ts')).code).toBe(0)
  })

  it('is not answered for another call than the one that was shown', async () => {
    const { run } = await suspended()
    const ended = await folder.ice('approve', run, '--digest', '0'.repeat(64), '--json')
    expect(ended.code).toBe(4)
    expect(complaint(ended).code).toBe('ICE_RUNS_STEP_CONFLICT')
  })

  it('stays with --wait, and goes on when another process answers', async () => {
    const going = folder.start({}, 'run', './ask.ts#ask', '--wait')
    const [, run = ''] = await going.until('stderr', /^run ([0-9a-f-]{36})/m)
    let answered: Ended
    do answered = await folder.ice('approve', run, '--comment', 'from elsewhere')
    while (answered.code === 3)
    expect(answered.code).toBe(0)
    const ended = await going.ended
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject([{ approved: true }])
    const shown = await folder.ice('show', run, '--json')
    const { timeline } = json<{ timeline: { kind: string; comment?: string }[] }>(shown)
    expect(timeline.find(({ kind }) => kind === 'approved')?.comment).toBe('from elsewhere')
    expect(timeline.map(({ kind }) => kind)).not.toContain('suspended')
  })

  it('is approved by --yes, which is recorded as the answer of the principal', async () => {
    const ended = await folder.ice('run', './ask.ts#ask', '--yes', '--json')
    expect(ended.code).toBe(0)
    const { run } = json<{ run: string }>(ended)
    const recorded = await folder.ice(
      ...['events', '--stream', `run/${run}`, '--type', 'ApprovalGranted', '--jsonl'],
    )
    expect(jsonLines(recorded.stdout)).toMatchObject([
      { principal: expect.stringMatching(/^os:/), data: { comment: 'approved by --yes' } },
    ])
  })

  it('is listed by what it waits for', async () => {
    const { run } = await suspended('--input', '{"prompt":"Really?"}')
    const listed = await folder.ice('runs', '--waiting', '--program', 'ask', '--json')
    expect(json<{ run: string }[]>(listed)[0]).toMatchObject({ run, suspended: true })
    expect((await folder.ice('runs', '--waiting')).stdout).toContain('Really?')
  })
})

/** Verifies: CLI-R06 */
describe('an effect that a grant lets through only with an approval', () => {
  const folder = emptyFolder()
  folder.file('replace.ts', REPLACE)
  folder.file('out/out.txt', 'old')
  const grant = ['--grant', 'out=fs.replace:./out;approval-for=fs.replace']
  const content = (): string => readFileSync(join(folder.path, 'out/out.txt'), 'utf8')

  it('acts after it, and not before', async () => {
    const ended = await folder.ice('run', './replace.ts', ...grant, '--json')
    expect(ended.code).toBe(7)
    const { run, waitingFor } = json<Waiting>(ended)
    expect(waitingFor).toMatchObject([{ step: 'put', kind: 'effect' }])
    expect(content()).toBe('old')
    await folder.ice('approve', run)
    expect(content()).toBe('old')
    const resumed = await folder.ice('resume', run, '--program', './replace.ts', '--json')
    expect(json(resumed)).toMatchObject({ value: { kind: 'succeeded' } })
    expect(content()).toBe('new')
    const explained = await folder.ice('why', `run/${run}@1`)
    expect(explained.code).toBe(0)
  })

  it('is explained with who allowed it', async () => {
    const ended = await folder.ice('run', './replace.ts', ...grant, '--yes', '--json')
    const { run } = json<{ run: string }>(ended)
    const used = await folder.ice(
      ...['events', '--stream', `run/${run}`, '--type', 'CapabilityUsed', '--jsonl'],
    )
    const [intent] = jsonLines<{ id: string }>(used.stdout)
    const why = await folder.ice('why', intent?.id ?? '')
    expect(why.stdout).toMatch(/presented Allow fs\.replace out\.txt\?/)
    expect(why.stdout).toMatch(/approved {2}by os:\S+ after/)
    expect(why.stdout).toMatch(/only fs\.replace approved/)
    expect(why.stdout).toMatch(/outcome FileWritten after/)
  })
})

/** Verifies: CLI-R07 */
describe('ice revoke', () => {
  const folder = emptyFolder()
  folder.file('slow.ts', SLOW)

  it('reaches a run that another process drives', async () => {
    const input = '{"steps":60,"ms":500}'
    const args = ['run', './slow.ts', '--grant', PAUSE_GRANT, '--input', input]
    const going = folder.start({}, ...args)
    const [, run = ''] = await going.until('stderr', /^run ([0-9a-f-]{36})/m)
    const listed = json<{ id: string }[]>(await folder.ice('grants', '--run', run, '--json'))
    const grant = listed[0]?.id ?? ''
    const preview = await folder.ice('revoke', grant, '--dry-run', '--json')
    expect(json(preview)).toMatchObject({ ended: [grant], openRuns: [run] })
    expect((await folder.ice('revoke', grant)).code).toBe(2)
    const revoked = await folder.ice('revoke', grant, '--reason', 'enough', '--json')
    expect(json(revoked)).toEqual({ revoked: grant, ended: [grant] })
    const ended = await going.ended
    expect(ended.code).toBe(0)
    const { done, denied } = JSON.parse(ended.stdout) as { done: number; denied: number }
    expect(done + denied).toBe(60)
    expect(denied).toBeGreaterThan(0)
    const shown = await folder.ice('grants', '--run', run)
    expect(shown.stdout).toMatch(/revoked .* by os:\S+: enough/)
  })

  it('does not know a grant that is not there', async () => {
    const ended = await folder.ice('revoke', '0000aaaa', '--reason', 'x', '--json')
    expect(ended.code).toBe(3)
    expect(complaint(ended).code).toBe('ICE_CLI_GRANT_NOT_FOUND')
  })
})

/** Verifies: CLI-R42 */
describe('a run that waits for an answer which no longer counts', () => {
  it('is not listed as waiting, refuses the answer, and is denied when it goes on', async () => {
    const folder = emptyFolder()
    folder.file('replace.ts', REPLACE)
    folder.file('out.txt', 'old')
    const grant = ['--grant', `out=fs.replace:${folder.path};approval`]
    const ended = await folder.ice('run', './replace.ts', ...grant, '--json')
    expect(ended.code).toBe(7)
    const { run } = json<Waiting>(ended)
    const listed = async () => jsonLines((await folder.ice('runs', '--waiting', '--jsonl')).stdout)
    expect(await listed()).toMatchObject([{ run }])
    const grants = await folder.ice('grants', '--json')
    const id = /"id":"([0-9a-f-]{36})"/.exec(grants.stdout)?.[1] ?? ''
    expect((await folder.ice('revoke', id, '--reason', 'enough')).code).toBe(0)
    expect(await listed()).toEqual([])
    expect((await folder.ice('runs')).stdout).toContain('right ended')
    const shown = await folder.ice('show', run)
    expect(shown.stdout).toContain('no answer counts: ')
    expect(shown.stdout).not.toContain('ice approve')
    const refused = await folder.ice('approve', run, '--json')
    expect([refused.code, complaint(refused).code]).toEqual([4, 'ICE_RUNS_RIGHT_ENDED_CONFLICT'])
    const types = (await folder.ice('events', '--jsonl')).stdout
    expect(types).not.toContain('ApprovalGranted')
    const resumed = await folder.ice('resume', '--all', '--program', './replace.ts', '--json')
    expect(JSON.stringify(json(resumed))).toContain('ICE_CAPABILITIES_GRANT_REVOKED')
    expect(readFileSync(join(folder.path, 'out.txt'), 'utf8')).toBe('old')
  })
})
