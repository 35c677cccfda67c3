import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chooseTopic } from '../src/harness/dispatch.ts'
import { figure, figureTable, isComplete } from '../src/harness/figure.ts'
import { record } from '../src/harness/recorder.ts'
import { compete, median, percentile } from '../src/harness/rounds.ts'
import { loadTopic, type ProveTopic } from '../src/harness/topics.ts'

describe('a figure', () => {
  it('holds the ratio against its target, and says so', () => {
    const measured = figure('P1', { value: 40_000, unit: '1/s', against: 'floor', ratio: 0.52 })
    expect(measured).toEqual({
      id: 'P1',
      value: 40_000,
      unit: '1/s',
      against: 'floor',
      ratio: 0.52,
      target: 0.5,
      met: true,
    })
    expect(figure('P12', { value: 30, unit: 'ms', ratio: 1.41 }).met).toBe(false)
  })

  it('is never met when its measurement is missing', () => {
    const missing = [
      figure('P1', { value: undefined, unit: '1/s', ratio: 2 }),
      figure('P1', { value: 40_000, unit: '1/s' }),
      figure('P1', { value: 40_000, unit: '1/s', ratio: Number.NaN }),
      figure('P6-p99', { value: Number.POSITIVE_INFINITY, unit: 'ms' }),
    ]
    expect(missing.map(({ met }) => met)).toEqual([false, false, false, false])
    expect(missing.map((each) => isComplete([each]))).toEqual([false, false, false, false])
    expect(isComplete([])).toBe(false)
    expect(figureTable(missing)).toContain('not measured')
  })

  it('without a peer is held against its target by its value', () => {
    const measured = figure('P6-events', { value: 18, unit: 'events' })
    expect([measured.met, isComplete([measured])]).toEqual([true, true])
  })
})

describe('a contest', () => {
  it('quotes the median of the rounds’ ratios and changes who begins', async () => {
    const order: string[] = []
    const ours = [9, 1, 2, 30]
    const peer = [9, 1, 1, 10]
    const take = (name: string, values: number[]) => () => {
      order.push(name)
      return values.shift() ?? Number.NaN
    }
    const result = await compete({ ours: take('o', ours), peer: take('p', peer), rounds: 3 })
    expect(result).toEqual({ ours: 2, peer: 1, ratio: 2, ratios: [1, 2, 3] })
    expect(order.join('')).toBe('poop' + 'poop')
  })

  it('takes medians and percentiles by rank', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, Number.NaN])
    expect([percentile([5, 1, 3], 0.99), percentile([1, 2, 3, 4], 0.5)]).toEqual([5, 2])
  })
})

describe('a recording of checks', () => {
  const quiet = () => {}

  it('counts what held, fell short and was left out', async () => {
    const lines: string[] = []
    const recording = record('slice', (line) => lines.push(line))
    expect(await recording.check('every log verifies', () => 200)).toBe(true)
    const fell = await recording.check('nothing is lost', () => Promise.reject(new Error('lost 3')))
    expect(fell).toBe(false)
    recording.skip('the peer agrees', 'no strace on the PATH')
    const expected = { line: 'slice: 1 checks passed, 1 failed, 1 skipped', held: false }
    expect(recording.finish()).toEqual(expected)
    expect(lines[0]).toBe('ok       every log verifies (200)')
    expect(lines[1]).toMatch(/^FAILED {3}nothing is lost: Error: lost 3/)
    expect(lines[2]).toBe('skipped  the peer agrees: no strace on the PATH')
  })

  it('fails a check that looked at nothing, and a proof in which nothing held', async () => {
    const recording = record('slice', quiet)
    expect(await recording.check('no log is torn', () => 0)).toBe(false)
    expect(record('slice', quiet).finish().held).toBe(false)
  })
})

describe('a command with topics', () => {
  let folder = ''
  const usage = 'npm run prove -- <topic> [--full]'

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ice-topics-'))
    const topic = `export const topic = { summary: 'the thin slice', run: async () => {} }\n`
    writeFileSync(join(folder, 'slice.ts'), topic)
    writeFileSync(join(folder, 'bare.ts'), 'export const nothing = 1\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('lists its topics when none is named', async () => {
    const answer = await chooseTopic([], folder, usage)
    expect(answer).toMatchObject({ status: 0 })
    expect('text' in answer && answer.text).toMatch(/usage: .*\n\n {2}bare {3}cannot be loaded/)
    expect('text' in answer && answer.text).toContain('slice  the thin slice')
  })

  it('refuses an unknown topic, a second one and an unknown option with 2', async () => {
    for (const args of [['other'], ['slice', 'bare'], ['slice', '--json']]) {
      expect(await chooseTopic(args, folder, usage)).toMatchObject({ status: 2 })
    }
  })

  it('takes a topic with its options', async () => {
    const call = await chooseTopic(['slice', '--full'], folder, usage)
    expect(call).toEqual({ name: 'slice', full: true, json: false })
    expect((await loadTopic<ProveTopic>(folder, 'slice')).summary).toBe('the thin slice')
  })
})
