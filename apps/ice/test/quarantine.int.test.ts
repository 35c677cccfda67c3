import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, json } from './support/command.ts'
import { ASK } from './support/programs.ts'

/** Verifies: CLI-R60 */
describe('a run whose program has changed', () => {
  const folder = emptyFolder()
  folder.file('ask.ts', ASK)
  folder.file('other.ts', ASK.replaceAll("'ask-'", "'question-'"))

  it('is set aside with both sides, listed, shown, and goes on once it is released', async () => {
    const started = json<{ run: string }>(await folder.ice('run', './ask.ts#ask', '--json'))
    const { run } = started
    await folder.ice('approve', run, 'ask-1')
    // The record has no event of a question but its answer: so far there is nothing to differ in.
    const resume = ['resume', run, '--program', './other.ts#ask']
    const reason = ['--reason', 'the old program is back']
    expect((await folder.ice('release', run, ...reason, '--json')).code).toBe(4)
    expect((await folder.ice('quarantine', run)).code).toBe(2)
    expect((await folder.ice('quarantine', run, '--reason', 'looks odd')).code).toBe(0)
    const refused = await folder.ice(...resume)
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('looks odd')
    expect(refused.stderr).toContain(`ice release ${run} --reason`)
    const listed = json<readonly { run: string }[]>(
      await folder.ice('runs', '--quarantined', '--json'),
    )
    expect(listed.map((each) => each.run)).toEqual([run])
    expect((await folder.ice('runs')).stdout).toContain('set aside')
    expect((await folder.ice('show', run)).stdout).toMatch(/set-aside .*looks odd/)
    expect((await folder.ice('resume', '--all')).code).toBe(0)
    expect((await folder.ice('release', run, ...reason)).stdout).toContain(`ice resume ${run}`)
    const ended = await folder.ice('resume', run, '--program', './ask.ts#ask', '--json')
    expect(ended.code).toBe(0)
    const again = await folder.ice('quarantine', run, '--reason', 'too late', '--json')
    expect(complaint(again)).toMatchObject({ code: 'ICE_RUNS_CONCLUDED_CONFLICT' })
  })
})

/** Verifies: CLI-R69 */
/** Verifies: CLI-R70 */
describe('runs by condition', () => {
  it('are listed, and those that are set aside released, after a preview', async () => {
    const folder = emptyFolder()
    folder.file('ask.ts', ASK)
    const begin = async (tenant: string): Promise<string> => {
      const more = ['--queue', 'mail', '--tag', `tenant=${tenant}`, '--json']
      return json<{ run: string }>(await folder.ice('run', './ask.ts#ask', ...more)).run
    }
    const listed = async (...more: readonly string[]): Promise<readonly string[]> =>
      json<readonly { run: string }[]>(await folder.ice('runs', '--json', ...more)).map(
        ({ run }) => run,
      )
    const acme = await begin('acme')
    const other = await begin('other')
    const where = ['--where', 'queue=mail', '--where', 'tag.tenant=acme']
    expect(await listed(...where)).toEqual([acme])
    expect(await listed('--where', 'queue=mail')).toEqual([other, acme])
    expect(await listed('--where', 'queue=none')).toEqual([])
    expect(await listed('--where', 'in-doubt=yes')).toEqual([])
    expect((await folder.ice('runs', '--where', 'constructor=x')).code).toBe(2)
    const why = ['--reason', 'looks odd']
    await folder.ice('quarantine', acme, ...why)
    await folder.ice('quarantine', other, ...why)
    expect(await listed(...where, '--quarantined')).toEqual([acme])
    const preview = json<object>(await folder.ice('release', ...where, '--dry-run', '--json'))
    expect(preview).toMatchObject({ dryRun: true, count: 1 })
    expect(await listed('--quarantined')).toEqual([other, acme])
    expect((await folder.ice('release', ...where)).code).toBe(2)
    expect((await folder.ice('release', other, ...where, ...why)).code).toBe(2)
    expect((await folder.ice('release', '--where', 'standing=held', ...why)).code).toBe(2)
    const released = await folder.ice('release', ...where, ...why, '--json')
    expect(json<object>(released)).toMatchObject({ count: 1, failed: 0 })
    expect(await listed('--quarantined')).toEqual([other])
  }, 120_000)
})
