/** Verbs on several runs: setting them aside, letting them go on, starting them anew. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { complaint, emptyFolder, type Folder, json, jsonLines } from './support/command.ts'
import { ASK, PAUSE_GRANT, SLOW } from './support/programs.ts'

interface Told {
  readonly dryRun: boolean
  readonly count: number
  readonly failed: number
  readonly runs: readonly { readonly run: string; readonly outcome: string; readonly as?: string }[]
}

interface View {
  readonly run: string
  readonly conclusion: string | null
  readonly tags: Readonly<Record<string, string>>
}

async function begin(folder: Folder, file: string, ...more: readonly string[]): Promise<string> {
  const words = ['run', file, '--queue', 'mail', ...more, '--json']
  return json<{ run: string }>(await folder.ice(...words)).run
}

const outcomes = ({ runs }: Told): Readonly<Record<string, string>> =>
  Object.fromEntries(runs.map(({ run, outcome }) => [run, outcome]))

async function aside(folder: Folder): Promise<ReadonlySet<string>> {
  const { stdout } = await folder.ice('runs', '--quarantined', '--jsonl')
  return new Set(jsonLines<View>(stdout).map(({ run }) => run))
}

/** Verifies: CLI-R73 */
describe('setting several runs aside', () => {
  it('shows which, does it to those that fit, and tells what it could not do', async () => {
    const folder = emptyFolder()
    folder.file('ask.ts', ASK)
    const file = './ask.ts#ask'
    const [one, two] = [await begin(folder, file), await begin(folder, file)]
    const other = await begin(folder, file, '--tag', 'tenant=other')
    const over = await begin(folder, file)
    await folder.ice('abort', over, '--reason', 'enough')
    const why = ['--reason', 'the mail server is down']
    const where = ['--where', 'queue=mail']
    const preview = json<Told>(await folder.ice('quarantine', ...where, '--dry-run', '--json'))
    expect(preview).toMatchObject({ dryRun: true, count: 3, failed: 0 })
    expect(outcomes(preview)).toEqual({
      ...{ [one]: 'would be set aside', [two]: 'would be set aside' },
      [other]: 'would be set aside',
    })
    expect(await aside(folder)).toEqual(new Set())
    const shown = await folder.ice('quarantine', ...where, '--dry-run')
    expect(shown.stdout).toContain(`would be set aside  ${one}  ask 1.0.0  mail  ready`)
    expect(shown.stdout).toContain('3 runs would be set aside')
    // Those that are named, whatever they are.
    const named = await folder.ice('quarantine', one.slice(0, 34), two, over, ...why, '--json')
    expect(named.code).toBe(4)
    expect(complaint(named).code).toBe('ICE_RUNS_CONCLUDED_CONFLICT')
    expect(json<Told>(named)).toMatchObject({ count: 3, failed: 1 })
    expect(outcomes(json<Told>(named))).toEqual({
      ...{ [one]: 'set aside', [two]: 'set aside', [over]: 'failed' },
    })
    expect(await aside(folder)).toEqual(new Set([one, two]))
    // What is set aside already is not among those that fit; named, it stays as it is.
    const rest = await folder.ice('quarantine', ...where, ...why, '--json')
    expect([rest.code, outcomes(json<Told>(rest))]).toEqual([0, { [other]: 'set aside' }])
    const again = await folder.ice('quarantine', one, other, '--reason', 'once more', '--json')
    expect([again.code, outcomes(json<Told>(again))]).toEqual([
      0,
      { [one]: 'was set aside already', [other]: 'was set aside already' },
    ])
    const single = await folder.ice('quarantine', one, '--reason', 'once more')
    expect(single.stdout).toContain(`run ${one} was set aside already: the mail server is down`)
    const dry = json<Told>(await folder.ice('quarantine', one, over, '--dry-run', '--json'))
    expect(outcomes(dry)).toEqual({ [one]: 'is set aside already', [over]: 'has ended' })
    const wrong: readonly (readonly string[])[] = [
      ['quarantine', ...why],
      ['quarantine', one, ...where, ...why],
      ['quarantine', ...where],
      ['quarantine', '--where', 'standing=quarantined', ...why],
    ]
    for (const words of wrong) expect((await folder.ice(...words)).code, words.join(' ')).toBe(2)
    const released = await folder.ice('release', one, two, other, '--reason', 'it is up', '--json')
    expect(json<Told>(released)).toMatchObject({ count: 3, failed: 0 })
    expect(await aside(folder)).toEqual(new Set())
    const nothing = await folder.ice('release', one, two, '--reason', 'it is up', '--json')
    expect([nothing.code, json<Told>(nothing).failed]).toEqual([4, 2])
  }, 600_000)

  it('stops the worker that drives one, and loses nothing of what it was at', async () => {
    const folder = emptyFolder()
    folder.file('slow.ts', SLOW)
    const input = ['--input', JSON.stringify({ steps: 3, ms: 2_000 })]
    const run = await begin(folder, './slow.ts', '--grant', PAUSE_GRANT, ...input)
    const worker = folder.start({}, 'worker', './slow.ts', '--json')
    onTestFinished(() => void worker.child.kill('SIGKILL'))
    const followed = folder.start({}, 'events', '--follow', '--stream', `run/${run}`, '--jsonl')
    await followed.until('stdout', /"type":"CapabilityUsed"/)
    followed.child.kill('SIGTERM')
    const words = ['quarantine', '--where', 'standing=held', '--reason', 'looks odd', '--json']
    expect(outcomes(json<Told>(await folder.ice(...words)))).toEqual({ [run]: 'set aside' })
    await worker.until('stderr', /"kind":"quarantined".*ICE_RUNS_QUARANTINED_CONFLICT/)
    // The worker is at nothing: what it was at is open, and no failure of its effect.
    const failures = await folder.ice('events', '--type', 'EffectFailed', '--jsonl')
    expect(jsonLines(failures.stdout)).toEqual([])
    expect((await folder.ice('release', run, '--reason', 'it is fine')).code).toBe(0)
    await worker.until('stderr', /"how":"committed"/)
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
    const done = await folder.ice('events', '--type', 'EffectSucceeded', '--jsonl')
    expect(jsonLines(done.stdout)).toHaveLength(3)
  }, 120_000)
})

/** Aborts as long as a file is there, after one effect that stands. */
const FRAIL = `import { existsSync } from 'node:fs'
import { defineProgram } from '@ice/runs'
import { z } from 'zod'
export const effects = [{
  action: 'test.look',
  fate: 'observe',
  outcome: 'EffectSucceeded',
  arguments: z.object({ path: z.string() }),
  resource: () => ({ name: 'look' }),
  perform: async ({ arguments: { path } }) => ({ value: existsSync(path), observed: {} }),
}]
export default defineProgram({
  name: 'frail',
  version: '1.0.0',
  input: z.object({ path: z.string() }),
  output: z.string(),
  needs: ['look'],
  async run(context, input) {
    const request = { action: 'test.look', grant: 'look', arguments: input }
    if (await context.effect('look', request)) throw new Error('the file is there')
    return 'well'
  },
})
`

/** Verifies: CLI-R74 */
describe('starting several runs anew', () => {
  it('shows which, starts each of them once, and tells by what it goes on', async () => {
    const folder = emptyFolder()
    folder.file('frail.ts', FRAIL)
    const program = ['--program', './frail.ts']
    const there = folder.file('there', 'yes')
    const grant = ['--grant', 'look=test.look:tool:look']
    const drive = async (path: string, ...more: readonly string[]): Promise<View> => {
      const input = ['--input', JSON.stringify({ path })]
      const words = ['run', './frail.ts', ...input, ...grant, ...more, '--json']
      return json<View>(await folder.ice(...words))
    }
    const acme = ['--tag', 'tenant=acme']
    const [one, two] = [await drive(there, ...acme), await drive(there, ...acme)]
    const well = await drive('nowhere', ...acme)
    const other = await drive(there)
    expect([one, two, well, other].map(({ conclusion }) => conclusion)).toEqual([
      ...['aborted', 'aborted', 'committed', 'aborted'],
    ])
    const where = ['--where', 'tag.tenant=acme']
    const shown = await folder.ice('rerun', ...where, '--dry-run')
    expect(shown.stdout).toContain('would be started anew, 1 effect not undone')
    expect(shown.stdout).toContain('2 runs would be started anew')
    // Nothing is started without a program, or without the grants that it needs.
    expect((await folder.ice('rerun', ...where)).code).toBe(3)
    const bare = await folder.ice('rerun', ...where, ...program, '--json')
    expect([bare.code, json<Told>(bare).failed]).toEqual([4, 2])
    expect(complaint(bare).code).toBe('ICE_RUNS_GRANTS_UNSUPPORTED')
    const begun = await folder.ice('rerun', ...where, ...program, ...grant, '--json')
    const first = json<Told>(begun)
    expect([begun.code, first.count, first.failed]).toEqual([0, 2, 0])
    expect(first.runs.map(({ run }) => run).toSorted()).toEqual([one.run, two.run].toSorted())
    // Given once more it starts nothing, also when it names them.
    const again = json<Told>(
      await folder.ice('rerun', one.run, two.run, ...program, ...grant, '--json'),
    )
    expect(again.runs.map(({ as }) => as)).toEqual(first.runs.map(({ as }) => as))
    expect(again.runs[0]?.outcome).toMatch(/^was started anew before as /)
    const views = jsonLines<View>((await folder.ice('runs', '--open', '--jsonl')).stdout)
    expect(views.map(({ tags }) => tags['rerun-of']).toSorted()).toEqual(
      [one.run, two.run].toSorted(),
    )
    expect(views.every(({ tags }) => tags['tenant'] === 'acme')).toBe(true)
    const worker = folder.start({}, 'worker', './frail.ts')
    onTestFinished(() => void worker.child.kill('SIGKILL'))
    await worker.until('stderr', /aborted[\s\S]*aborted/)
    // They have ended in the same way, and can be started anew in their turn; those before cannot.
    const third = json<Told>(await folder.ice('rerun', ...where, '--dry-run', '--json'))
    expect(third.runs.map(({ outcome }) => outcome.replace(/ as .*/, ''))).toEqual([
      'was started anew before',
      'was started anew before',
      'would be started anew, 1 effect not undone',
      'would be started anew, 1 effect not undone',
    ])
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
  }, 600_000)

  it('refuses what is no choice of ended runs, and waits for none of several', async () => {
    const folder = emptyFolder()
    folder.file('frail.ts', FRAIL)
    const wrong: readonly (readonly string[])[] = [
      ['rerun'],
      ['rerun', '0190', '--where', 'queue=mail'],
      ['rerun', '--where', 'standing=held'],
      ['rerun', '--where', 'state=executing'],
      ['rerun', '--where', 'queue=mail', '--wait'],
      ['rerun', '--where', 'queue=mail', '--yes'],
      ['rerun', '--where', 'queue=mail', '--queue', ''],
    ]
    for (const words of wrong) expect((await folder.ice(...words)).code, words.join(' ')).toBe(2)
  }, 120_000)
})
