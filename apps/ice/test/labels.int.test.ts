import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, json } from './support/command.ts'
import { INBOX } from './support/programs.ts'

interface Previewed {
  readonly mark: { readonly sources: readonly string[] }
  readonly values: readonly { readonly step: string; readonly digest: string }[]
}

/** Verifies: CLI-R30 */
describe('a person who looks at what a run was given', () => {
  const folder = emptyFolder()
  folder.file('inbox.ts', INBOX)
  folder.file('a.txt', 'hello')
  folder.file('b.txt', '\u001b[2Jwiped')
  const grant = ['--grant', `files=fs.read:${folder.path}`]
  const suspended = async (): Promise<string> => {
    const ended = await folder.ice('run', './inbox.ts', ...grant, '--json')
    expect(ended.code).toBe(7)
    return json<{ run: string }>(ended).run
  }
  const a = { sources: ['fs:a.txt'], readers: null }
  const b = { sources: ['fs:b.txt'], readers: null }

  it('sees the values, where they come from, and what the program has not seen', async () => {
    const run = await suspended()
    const previewed = await folder.ice('endorse', run, '--dry-run', '--json')
    expect(json(previewed)).toMatchObject({
      dryRun: true,
      mark: a,
      values: [
        { step: 'a', label: a, held: false, value: 'hello' },
        { step: 'b', label: b, held: true, value: '\u001b[2Jwiped' },
      ],
    })
    const { stdout } = await folder.ice('declassify', run, 'b', '--dry-run')
    expect(stdout).toContain('the run from fs:a.txt')
    expect(stdout).toContain('b  from fs:b.txt  (held: the program has not seen it)')
    expect(stdout).toContain('\\u001b[2Jwiped')
    expect(stdout).not.toContain('hello')
  })

  it('vouches for one of them, with a reason, and reads so in the story', async () => {
    const run = await suspended()
    const reason = ['--reason', 'I wrote it']
    const endorsed = await folder.ice('endorse', run, 'a', '--source', 'fs:a.txt', ...reason)
    expect(endorsed.stdout).toBe('endorsed  a: now trusted\nthe run trusted\n')
    const shown = await folder.ice('show', run)
    expect(shown.stdout).toContain('endorsed: fs:a.txt no longer counts')
    expect(shown.stdout).toContain('what it was given: trusted')
    const told = await folder.ice('show', run, '--json')
    const { timeline } = json<{ timeline: { kind: string; event: string }[] }>(told)
    expect(timeline.find(({ kind }) => kind === 'labelled')).toMatchObject({
      comment: 'I wrote it',
    })
    expect(json(told)).toMatchObject({ run: { label: { sources: [], readers: null } } })
    const read = timeline.find(({ kind }) => kind === 'effect')
    const why = await folder.ice('why', read?.event ?? '')
    expect(why.stdout).toMatch(/arguments [0-9a-f]{64}\n {4}all trusted\n/)
    expect(why.stdout).toContain('the program is given a reference, and does not see the result')
    expect(why.stdout).toMatch(/^ {2}from fs:b.txt$/m)
  })

  it('lets others read one, in JSON too', async () => {
    const run = await suspended()
    const all = ['--all-sources', '--reason', 'read', '--json']
    const { values } = json<Previewed>(await folder.ice('endorse', run, 'b', '--dry-run', '--json'))
    const digest = values[0]?.digest ?? ''
    const endorsed = await folder.ice('endorse', run, 'b', '--digest', digest, ...all)
    expect(json(endorsed)).toMatchObject({
      run,
      step: 'b',
      digest,
      sources: ['fs:b.txt'],
      label: { sources: [], readers: null },
      mark: a,
      others: [{ step: 'a' }],
    })
    const open = await folder.ice('declassify', run, 'a', '--everyone', '--reason', 'r', '--json')
    expect([open.code, complaint(open).code]).toEqual([4, 'ICE_RUNS_LABEL_CONFLICT'])
  })

  it.each<[string, readonly string[], number]>([
    ['no source', ['endorse', 'a', '--reason', 'r'], 2],
    ['sources in two ways', ['endorse', 'a', '--source', 'x', '--all-sources', '--reason', 'r'], 2],
    ['no reason', ['endorse', 'a', '--all-sources'], 2],
    ['no step', ['endorse', '--all-sources', '--reason', 'r'], 2],
    ['no reader', ['declassify', 'a', '--reason', 'r'], 2],
    ['another step', ['endorse', 'none', '--all-sources', '--reason', 'r'], 3],
    ['another source', ['endorse', 'a', '--source', 'fs:b.txt', '--reason', 'r'], 4],
    ['another value', ['endorse', 'a', '--all-sources', '--digest', 'f', '--reason', 'r'], 4],
  ])('is refused with %s', async (_, [verb = '', ...rest], code) => {
    const run = await suspended()
    const ended = await folder.ice(verb, run, ...rest, '--json')
    expect(ended.code).toBe(code)
  })
})
