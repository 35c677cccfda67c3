import { timestamp } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { FOLDER, Frontier, type Place, pathOf } from '../../src/survey/frontier.ts'
import { surveyInput } from '../../src/survey/input.ts'
import { reportMarkdown } from '../../src/survey/markdown.ts'
import { rulesProposer } from '../../src/survey/proposer.ts'
import { reportJson, reportOf, TIME_FIELDS, withoutTimes } from '../../src/survey/report.ts'
import { Totals } from '../../src/survey/totals.ts'
import { stepOf } from '../../src/survey/walk.ts'

const input = surveyInput.parse({})
const times = { startedAt: timestamp(1_000), finishedAt: timestamp(3_500) }

describe('the frontier', () => {
  const child = (name: string, parent: Place = FOLDER): Place => ({ parent, name })

  it('begins with the folder, and gives what was found last first', () => {
    const frontier = new Frontier()
    expect(frontier.takePages(4)).toEqual([{ place: FOLDER, page: 1, after: undefined }])
    const page = (name: string) => ({ place: child(name), page: 1, after: undefined })
    frontier.addPages([page('a'), page('b')])
    frontier.addPages([page('c'), page('d')])
    expect(frontier.takePages(3).map(({ place }) => place.name)).toEqual(['c', 'd', 'a'])
    expect(frontier.isEmpty).toBe(false)
    frontier.takePages(3)
    expect(frontier.isEmpty).toBe(true)
  })

  it('gives files in the order they were found, and asks for small pages when many wait', () => {
    const frontier = new Frontier()
    expect(frontier.pageEntries).toBe(20_000)
    for (let at = 0; at < 59_500; at += 1) frontier.addFile({ place: child(`${at}`), reason: '' })
    expect(frontier.pageEntries).toBe(1_000)
    expect(frontier.takeFiles(2).map(({ place }) => place.name)).toEqual(['0', '1'])
    expect(frontier.takeFiles(1)[0]?.place.name).toBe('2')
    expect(frontier.files).toBe(59_497)
  })

  it('knows the path of a place', () => {
    expect(pathOf(FOLDER)).toBe('.')
    expect(pathOf(child('c', child('b', child('a'))))).toBe('a/b/c')
  })
})

describe('a step', () => {
  it('is named by its path, and a path that is too long by its digest', () => {
    expect(stepOf('read', 'src/a.ts')).toBe('read/src/a.ts')
    const long = stepOf('read', 'ü'.repeat(1_000))
    expect(long).toMatch(/^read-long\/[0-9a-f]{64}$/)
    expect(stepOf('read', 'x'.repeat(480))).toBe(`read/${'x'.repeat(480)}`)
  })
})

describe('the rules', () => {
  it('propose every file, and no link, pipe, named directory or excluded path', async () => {
    const rules = rulesProposer({ skipDirectories: ['node_modules'], exclude: ['out'] })
    const entry = (path: string, kind: 'file' | 'directory' | 'link' | 'other') => ({
      name: path.split('/').at(-1) ?? '',
      path,
      kind,
    })
    const entries = [
      entry('a/package.json', 'file'),
      entry('node_modules', 'file'),
      entry('a/node_modules', 'directory'),
      entry('out', 'directory'),
      entry('a/out', 'directory'),
      entry('up', 'link'),
      entry('pipe', 'other'),
    ]
    const verdicts = await rules.consider({} as never, entries)
    expect(verdicts.map(({ kind }) => kind).join(' ')).toBe('read read skip skip enter skip skip')
  })
})

describe('the totals', () => {
  it('count everything and name a bounded part', () => {
    const totals = new Totals()
    for (let at = 0; at < 1_000; at += 1) {
      totals.skip(`p${at}`, 'why')
      totals.skip(`q${at}`, `why ${at}`)
      const marks = { todo: at % 7, fixme: 0 }
      totals.file(`f${at}.ts`, { bytes: 2, lines: 1, language: 'TypeScript', marks })
    }
    totals.close()
    const { skipped, marked, sums } = totals
    expect(sums).toMatchObject({ files: 1_000, lines: 1_000, bytes: 2_000, skipped: 2_000 })
    expect(skipped.reduce((sum, { count }) => sum + count, 0)).toBe(2_000)
    expect(skipped.length).toBe(41)
    expect(skipped.every(({ examples }) => examples.length <= 20)).toBe(true)
    expect(marked.map(({ path }) => path).slice(0, 3)).toEqual(['f104.ts', 'f111.ts', 'f118.ts'])
  })

  it('count names that are not UTF-8, and no others', () => {
    const totals = new Totals()
    for (const name of ['caf%xe9', '100%.txt', '%x25xe9', 'a%x5cb', 'é', '%xff']) totals.name(name)
    expect(totals.sums.namesNotUtf8).toBe(2)
  })
})

describe('the report', () => {
  it('differs from run to run in its time fields only', () => {
    const totals = new Totals()
    totals.file('a.ts', { bytes: 2, lines: 1, language: 'TypeScript' })
    totals.close()
    const one = reportOf(totals, input, times)
    const other = reportOf(totals, input, { ...times, finishedAt: timestamp(9_999_999) })
    for (const write of [reportJson, reportMarkdown]) {
      expect(write(one)).not.toBe(write(other))
      expect(withoutTimes(write(one))).toBe(withoutTimes(write(other)))
    }
    const fields = Object.keys(one).filter((key) => key in one && !(key in withoutTimesOf(one)))
    expect(fields).toEqual([...TIME_FIELDS])
  })

  it('shows hostile names as text that does nothing', () => {
    const totals = new Totals()
    const name = 'a`b|c\u001b[2J<script>\u202e\n# x'
    totals.skip(name, 'a directory named `x`|y')
    totals.close()
    const page = reportMarkdown(reportOf(totals, { ...input, title: '# <b>[x](y)' }, times))
    expect(['\u001b', '\u202e'].filter((steering) => page.includes(steering))).toEqual([])
    expect(page.split('\n').filter((line) => line.startsWith('#')).length).toBe(7)
    expect(page).toContain('# \\# \\<b\\>\\[x\\](y)')
    expect(page).toContain("`a'b¦c\\u{1b}[2J<script>\\u{202e}\\u{a}# x`")
  })
})

function withoutTimesOf(report: object): object {
  return Object.fromEntries(
    Object.entries(report).filter(([key]) => !(TIME_FIELDS as readonly string[]).includes(key)),
  )
}
