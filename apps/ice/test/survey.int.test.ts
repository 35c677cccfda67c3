import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileSystemEffects } from '@ice/effects'
import { IceError } from '@ice/primitives'
import type { EffectHandler } from '@ice/runs/ports'
import { createRuntime, type Runtime } from '@ice/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createSurvey,
  type SurveyReport,
  surveyGrants,
  surveyProgram,
  withoutTimes,
} from '../src/survey/index.ts'
import { counted, oddFolder, temporary } from './survey/folders.ts'

const made: string[] = []

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

function kept(path: string): string {
  made.push(path)
  return path
}

interface Surveyed {
  readonly report: SurveyReport
  readonly page: string
  readonly texts: readonly string[]
}

/** Surveys a folder into a new one, on a log in memory. */
async function survey(
  source: string,
  input: object = {},
  effects: readonly EffectHandler[] = [],
): Promise<Surveyed> {
  const output = kept(temporary())
  const ice = await createRuntime({ path: ':memory:', effects })
  try {
    const grants = surveyGrants({ source, output })
    const { stretch } = await ice.runs.execute(surveyProgram, input, { grants })
    expect(stretch).toMatchObject({ kind: 'concluded', result: { conclusion: 'committed' } })
    const texts = ['survey.json', 'survey.md'].map((name) =>
      readFileSync(join(output, name), 'utf8'),
    )
    const [json = '', page = ''] = texts
    return { report: JSON.parse(json) as SurveyReport, page, texts: texts.map(withoutTimes) }
  } finally {
    await ice.close()
  }
}

function skippedBy(report: SurveyReport): Readonly<Record<string, number>> {
  return Object.fromEntries(report.skipped.map(({ reason, count }) => [reason, count]))
}

describe('a survey of a folder with everything odd in it', () => {
  it('says what find and wc say', async () => {
    const root = kept(oddFolder())
    const { report } = await survey(root)
    const truth = counted(root)
    expect(report.totals).toEqual({
      files: truth.files,
      lines: truth.lines,
      bytes: truth.bytes,
      directories: truth.directories,
      skipped: truth.links + truth.pipes + 2,
      namesNotUtf8: 1,
    })
    expect(skippedBy(report)).toEqual({
      'a link: links are not followed': truth.links,
      'a pipe, socket or device': truth.pipes,
      'a directory named .git': 1,
      'a directory named node_modules': 1,
    })
  })

  it('names languages, licences, marks and dependencies', async () => {
    const { report, page } = await survey(kept(oddFolder()), { title: 'Odd' })
    const languages = report.languages.map(({ language, files }) => `${language} ${files}`).sort()
    expect(languages).toEqual([
      '(binary) 1',
      '(other) 3',
      'C 1',
      'JSON 1',
      'Markdown 2',
      'Python 1',
      'Shell 1',
      'Text 2',
      'TypeScript 1',
    ])
    expect(report.marks).toEqual({
      todo: 1,
      fixme: 1,
      files: [{ path: 'src/a.ts', todo: 1, fixme: 1 }],
    })
    expect(report.licences).toEqual({
      files: [{ path: 'LICENSE', licence: 'MIT' }],
      filesFound: 1,
      tags: [],
      declared: [{ name: 'MIT', count: 1 }],
    })
    expect(report.manifests.shown).toEqual([
      {
        path: 'package.json',
        kind: 'package.json',
        licence: 'MIT',
        count: 1,
        dependencies: [{ name: 'left-pad', version: '1' }],
      },
    ])
    expect(page).toContain('# Odd\n')
    expect(page).toContain('`left-pad` `1`')
  })

  it('is the same again, and the same read by read', async () => {
    const root = kept(oddFolder())
    const first = await survey(root)
    expect((await survey(root)).texts).toEqual(first.texts)
    expect((await survey(root, { concurrency: 1 })).texts).toEqual(first.texts)
  })

  it('leaves out what it is told to', async () => {
    const root = kept(oddFolder())
    const { report } = await survey(root, { skipDirectories: ['docs'], exclude: ['src', 'run'] })
    const skipped = skippedBy(report)
    expect(skipped['a directory named docs']).toBe(1)
    expect(skipped['belongs to this survey']).toBe(2)
    expect(skipped['a directory named .git']).toBeUndefined()
  })
})

describe('a survey', () => {
  it('of an empty folder reports that there is nothing', async () => {
    const { report, page } = await survey(kept(temporary()))
    expect(report.totals).toMatchObject({ files: 0, lines: 0, directories: 1, skipped: 0 })
    expect(page).toContain('There are no files.')
  })

  it('goes through a directory page by page and misses nothing', async () => {
    const root = kept(temporary())
    for (let at = 0; at < 50; at += 1) writeFileSync(join(root, `f${at}.txt`), 'x\n')
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd', 'inner.txt'), 'x\n')
    const { report } = await survey(root, {}, [paged(7)])
    expect(report.totals).toMatchObject({ files: 51, lines: 51, directories: 2 })
  })

  it('counts and names what cannot be read, and goes on', async () => {
    const root = kept(temporary())
    for (const name of ['a.txt', 'closed.txt', 'z.txt']) writeFileSync(join(root, name), 'x\n')
    mkdirSync(join(root, 'closed'))
    const { report } = await survey(root, {}, ['fs.read', 'fs.list'].map(closing))
    expect(report.totals).toMatchObject({ files: 2, skipped: 2 })
    const code = 'ICE_EFFECTS_PERMISSION_UNAVAILABLE (EACCES)'
    expect(report.skipped).toEqual([
      { reason: `could not be listed: ${code}`, count: 1, examples: ['closed'] },
      { reason: `could not be read: ${code}`, count: 1, examples: ['closed.txt'] },
    ])
  })

  it('of a file of any size reads all of it', async () => {
    const root = kept(temporary())
    writeFileSync(join(root, 'large.txt'), Buffer.alloc(40 * 1_048_576, 'line\n'))
    const { report } = await survey(root)
    const { size } = statSync(join(root, 'large.txt'))
    expect(report.totals).toMatchObject({ bytes: size, lines: Math.floor(size / 5) })
  })

  it('reads only what its proposer proposes', async () => {
    const root = kept(temporary())
    for (const name of ['yes.ts', 'no.ts']) writeFileSync(join(root, name), 'x\n')
    const picky = createSurvey({
      version: 'picky',
      proposer: () => ({
        agent: 'picky',
        consider: async (_context, entries) =>
          entries.map(({ name }) =>
            name === 'yes.ts' ? { kind: 'read', reason: 'nice' } : { kind: 'enter', reason: 'odd' },
          ),
      }),
    })
    const ice = await createRuntime({ path: ':memory:' })
    const output = kept(temporary())
    const grants = surveyGrants({ source: root, output })
    const { stretch } = await ice.runs.execute(picky, {}, { grants })
    await ice.close()
    expect(stretch).toMatchObject({ result: { value: { totals: { files: 1, skipped: 1 } } } })
  })
})

describe('an earlier report', () => {
  async function begun(): Promise<{ ice: Runtime; output: string; run: never }> {
    const output = kept(temporary())
    for (const name of ['survey.json', 'survey.md']) writeFileSync(join(output, name), 'earlier')
    const ice = await createRuntime({ path: ':memory:' })
    const grants = surveyGrants({ source: kept(temporary()), output })
    const { run, stretch } = await ice.runs.execute(surveyProgram, {}, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended' })
    return { ice, output, run: run as never }
  }

  it('waits for an approval, and is replaced when it is given', async () => {
    const { ice, output, run } = await begun()
    const { waitingFor } = await ice.runs.view(run)
    expect(waitingFor.map(({ step }) => step).sort()).toEqual([
      'replace/survey.json',
      'replace/survey.md',
    ])
    for (const { step } of waitingFor) await ice.runs.answer(run, { step, approved: true })
    await ice.runs.drive(run)
    await ice.close()
    expect(readFileSync(join(output, 'survey.md'), 'utf8')).toContain('# Survey')
    expect(readdirSync(output).sort()).toEqual(['survey.json', 'survey.md'])
  })

  it('is kept when the approval is refused, and the run ends well', async () => {
    const { ice, output, run } = await begun()
    const { waitingFor } = await ice.runs.view(run)
    for (const { step } of waitingFor) await ice.runs.answer(run, { step, approved: false })
    const stretch = await ice.runs.drive(run)
    await ice.close()
    const reports = [
      { path: 'survey.json', how: 'kept' },
      { path: 'survey.md', how: 'kept' },
    ]
    expect(stretch).toMatchObject({ result: { conclusion: 'committed', value: { reports } } })
    expect(readFileSync(join(output, 'survey.md'), 'utf8')).toBe('earlier')
  })
})

function real(action: string): EffectHandler {
  const handler = fileSystemEffects().find((each) => each.action === action)
  if (handler === undefined) throw new Error(`there is no ${action}`)
  return handler
}

/** `fs.list` with pages of so many entries, whatever was asked for. */
function paged(limit: number): EffectHandler {
  const handler = real('fs.list')
  return {
    ...handler,
    perform: (call) => handler.perform({ ...call, arguments: { ...call.arguments, limit } }),
  }
}

/** As the system behaves towards a user who may not: also where the tests run as root. */
function closing(action: string): EffectHandler {
  const handler = real(action)
  return {
    ...handler,
    perform: async (call) => {
      if (!String(call.arguments['path']).startsWith('closed')) return handler.perform(call)
      const code = 'ICE_EFFECTS_PERMISSION_UNAVAILABLE'
      throw new IceError({ code, message: 'closed', data: { errno: 'EACCES' } })
    },
  }
}
