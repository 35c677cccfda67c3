import { mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, defineEventType, standardTypes } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock } from '@ice/primitives'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { complaint, emptyFolder, json, jsonLines } from './support/command.ts'
import { REPLACE } from './support/programs.ts'

const me = `os:${userInfo().username}`

/** Follows two proposals, one of them by name; reads three times. */
const FOLLOWS = `import { defineProgram } from '@ice/runs'
import { fs } from '@ice/effects'
import { z } from 'zod'
export default defineProgram({
  name: 'follows',
  version: '1.0.0',
  input: z.unknown(),
  output: z.unknown(),
  async run(context) {
    const read = (path) => fs.read('source', { path })
    await context.propose('first', { agent: 'rules', content: 'the first', reason: 'one' })
    await context.propose('second', { agent: 'rules', content: 'a.txt', reason: 'two' })
    await context.attempt('tied', { ...read('a.txt'), proposal: 'first' })
    await context.attempt('untied', read('a.txt'))
    await context.attempt('outside', { ...read('b/../../x'), proposal: 'second' })
    try {
      await context.attempt('wrong', { ...read('a.txt'), proposal: 'none' })
    } catch (error) {
      return error.code
    }
  },
})
`

interface Event {
  readonly id: string
  readonly position: number
  readonly type: string
  readonly data: { readonly effect?: string }
}

interface Told {
  readonly fault: string | null
  readonly subject: { readonly kind: string; readonly data: object } | null
  readonly effect: {
    readonly proposal: { readonly relation: string; readonly reason: string } | null
    readonly consents: readonly object[]
    readonly decisions: readonly {
      readonly callDigest: string
      readonly chain: readonly { readonly takes: readonly object[] }[]
    }[]
  } | null
}

describe('a log of governed effects', () => {
  const folder = emptyFolder()
  folder.file('follows.ts', FOLLOWS)
  folder.file('replace.ts', REPLACE)
  folder.file('src/a.txt', 'hello')
  folder.file('out/out.txt', 'old')
  let events: readonly Event[] = []
  let [followed, asked, grant] = ['', '', '']
  const idOf = (type: string, effect?: string): string => {
    const found = events.find(
      (one) => one.type === type && (effect ?? one.data.effect) === one.data.effect,
    )
    return found?.id ?? 'none'
  }
  const why = async (id: string): Promise<Told> => json<Told>(await folder.ice('why', id, '--json'))

  beforeAll(async () => {
    const source = ['--grant', 'source=fs.read:./src;count=9']
    const first = await folder.ice('run', './follows.ts', ...source, '--json')
    followed = json<{ run: string }>(first).run
    expect(json(first)).toMatchObject({ value: 'ICE_RUNS_PROPOSAL_NOT_FOUND' })
    const out = `out=fs.replace:./out;approval;approvers=${me},os:eve`
    asked = json<{ run: string }>(
      await folder.ice('run', './replace.ts', '--grant', out, '--json'),
    ).run
    expect((await folder.ice('approve', asked, '--comment', 'fine')).code).toBe(0)
    expect((await folder.ice('resume', asked, '--program', './replace.ts')).code).toBe(0)
    events = jsonLines<Event>((await folder.ice('events', '--jsonl')).stdout)
    grant = idOf('CapabilityGranted').slice('grant/'.length, -2)
  }, 240_000)

  /** Verifies: CLI-R50, RUN-R82 */
  it('says which proposal an effect follows, and whether that is on record', async () => {
    expect((await why(idOf('FileRead', 'tied'))).effect?.proposal).toMatchObject({
      relation: 'recorded',
      reason: 'one',
    })
    expect((await why(idOf('FileRead', 'untied'))).effect?.proposal).toMatchObject({
      relation: 'names it',
      reason: 'two',
    })
    const denied = await why(idOf('CapabilityDenied', 'outside'))
    expect(denied.effect?.proposal).toMatchObject({ relation: 'recorded', reason: 'two' })
    expect(denied.effect?.decisions).toMatchObject([
      {
        verdict: 'denied',
        arguments: { inline: { path: 'b/../../x' } },
        basis: [{}, {}, {}, {}, {}, {}, {}],
      },
    ])
  })

  /** Verifies: CLI-R51 */
  it('tells what was presented, who could answer, and the digests of each stage', async () => {
    const told = await why(idOf('FileWritten'))
    const call = told.effect?.decisions[0]?.callDigest
    expect(told.effect?.consents).toMatchObject([
      { digest: call, approvers: [me, 'os:eve'], approved: true, comment: 'fine', later: [] },
    ])
    const { stdout } = await folder.ice('why', idOf('FileWritten'))
    for (const section of [
      'presented Allow',
      'decided allowed',
      'authority',
      'outcome FileWritten',
    ]) {
      expect(stdout).toMatch(new RegExp(`^${section}`, 'm'))
    }
    expect(stdout).toContain(`for exactly the call ${call}`)
    expect(stdout).toContain(`only each use approved by ${me}, os:eve`)
    expect(stdout).toMatch(/^ {2}result [0-9a-f]{64}$/m)
  })

  /** Verifies: CLI-R52 */
  it('tells budgets before and after, and what events of authority are about', async () => {
    const read = await why(idOf('FileRead', 'untied'))
    expect(read.effect?.decisions[0]?.chain[0]?.takes).toMatchObject([
      {
        ...{ unit: 'uses', amount: 1, max: 9 },
        ...{ allotted: { before: 1, after: 2 }, held: { before: 0, after: 0, settled: 0 } },
      },
    ])
    const slice = await why(idOf('BudgetAllotted'))
    expect(slice.subject).toMatchObject({ kind: 'budget', data: { before: 0, after: 1 } })
    expect(slice.effect).toMatchObject({ effect: 'tied' })
    const issued = await why(idOf('CapabilityGranted'))
    expect(issued.subject).toMatchObject({ kind: 'grant', data: { chain: [{ issuedBy: me }] } })
  })

  /** Verifies: CLI-R53 */
  it('shows the map of grants, whole and in part', async () => {
    const list = async (...args: readonly string[]) =>
      jsonLines<{ id: string; limits: object[]; runs: string[]; state: string }>(
        (await folder.ice('grants', ...args, '--jsonl')).stdout,
      )
    const all = await list()
    expect(all).toMatchObject([
      { state: 'over', limits: [{ unit: 'uses', max: 9, taken: 2, left: 7 }], runs: [followed] },
      { state: 'over', limits: [], runs: [asked] },
    ])
    expect((await list('--holder', `run/${asked}`)).length).toBe(1)
    expect((await list('--under', grant.slice(0, 30))).map(({ id }) => id)).toEqual([grant])
    expect(await list('--live')).toEqual([])
    const cut = await folder.ice('grants', '--limit', '1')
    expect(cut.stderr).toContain('1 more are not shown')
    expect((await folder.ice('grants', '--dot')).stdout).toMatch(/^digraph grants \{\n/)
  })

  /** Verifies: CLI-R54 */
  it('judges its decisions again: nothing flips without a change, or is written', async () => {
    const before = (await folder.ice('verify', '--json')).stdout
    const same = await folder.ice('backtest', '--expire', grant, '2999-01-01T00:00:00Z', '--json')
    expect([same.code, json<readonly object[]>(same)]).toEqual([
      0,
      [{ summary: { decisions: 4, same: 4, flip: 0, unreproducible: 0, outside: 0 } }],
    ])
    const caveat = JSON.stringify({ kind: 'count', max: 1 })
    const counted = await folder.ice('backtest', '--caveat', grant, caveat, '--jsonl')
    expect([counted.code, jsonLines(counted.stdout)]).toMatchObject([
      9,
      [
        { effect: 'untied', outcome: 'flip', would: { verdict: 'denied' } },
        { summary: { flip: 1 } },
      ],
    ])
    const revoked = await folder.ice('backtest', '--revoke', grant, '--run', followed)
    expect([revoked.code, revoked.stdout]).toEqual([9, expect.stringContaining('3 decisions: 1')])
    const text = 'forbid(principal, action == Ice::Action::"fs.replace", resource);'
    folder.file('no-replace.cedar', text)
    folder.file('grant.json', '{"actions":["fs.list"]}')
    const policy = ['--policy', 'no-replace.cedar', '--policy-default', 'permit']
    const judged = await folder.ice('backtest', ...policy, '--jsonl')
    expect([judged.code, jsonLines(judged.stdout)]).toMatchObject([
      9,
      [{ effect: 'put', was: { verdict: 'allowed' } }, { summary: { same: 3, flip: 1 } }],
    ])
    const replaced = await folder.ice('backtest', '--replace', grant, 'grant.json', '--jsonl')
    expect(jsonLines(replaced.stdout).at(-1)).toMatchObject({ summary: { flip: 2 } })
    expect((await folder.ice('verify', '--json')).stdout).toBe(before)
  }, 240_000)

  it.each<[string, readonly string[], number]>([
    ['no change', [], 2],
    ['two changes', ['--revoke', 'x', '--policy', 'y'], 2],
    ['half a change', ['--caveat', '@'], 2],
    ['no JSON', ['--caveat', '@', '{'], 2],
    ['no grant', ['--revoke', '0190ffff'], 3],
    ['no file', ['--replace', '@', 'none.json'], 3],
    ['no policy', ['--policy', 'follows.ts'], 2],
    ['no time', ['--expire', '@', 'soon'], 2],
    ['another grant', ['--replace', '@', 'other.json'], 2],
    ['no start', ['--revoke', '@', '--since', 'then'], 2],
  ])('has no backtest of %s', async (_, args, code) => {
    folder.file('other.json', '{"id":"0190ffff-0000-7000-8000-000000000000"}')
    const ended = await folder.ice(
      'backtest',
      ...args.map((arg) => (arg === '@' ? grant : arg)),
      '--json',
    )
    expect([ended.code, typeof complaint(ended).code]).toEqual([code, 'string'])
  })
})

/** Verifies: CLI-R55 */
describe('a log that did not go through the gateway', () => {
  const folder = emptyFolder()
  const run = '0190aaaa-0000-7000-8000-000000000001'
  const evil = '\u001b[2J\u202e'

  it('is explained and judged as far as it can be, and steers nothing', async () => {
    const types = standardTypes.map(({ type, category, origins }) =>
      defineEventType({
        ...{ type, category, description: 'loose' },
        ...(origins.includes('runtime') ? {} : { origins: ['agent' as const] }),
        payload: z.record(z.string(), z.unknown()),
      }),
    )
    mkdirSync(join(folder.path, '.ice'))
    const path = join(folder.path, '.ice/ice.db')
    const store = openSqliteEventStore({ path, clock: systemClock })
    const log = createEventLog({ store, taxonomy: composeTaxonomy(types), clock: systemClock })
    const odd: readonly Readonly<Record<string, unknown>>[] = [
      { effect: 'e', chain: 7, action: evil },
      {
        effect: 'e',
        chain: [evil],
        spends: {},
        labels: { [evil]: 3 },
        constructor: { __proto__: 1 },
      },
      { effect: 'e', stage: 'decision', denial: evil, grant: 5 },
      { effect: 'e', intent: 9, observed: {}, result: evil },
    ]
    const names = [
      'CapabilityUsed',
      'CapabilityDenied',
      'ApprovalRequested',
      'BudgetAllotted',
      'PolicyAdopted',
      'AuthorityStopped',
      'CapabilityGranted',
      'EffectRevoked',
    ]
    for (const [at, type] of names.entries()) {
      const stream = `${['run', 'grant', 'budget', 'stop', 'policy'][at % 5]}/${run}`
      for (const data of odd) {
        const events = [{ type, data }]
        await log.append({ writes: [{ stream: stream as never, expectedVersion: 'any', events }] })
      }
    }
    await store.close()
    for (const at of [1, 2, 3, 4, 13, 17, 21, 25, 29]) {
      const told = await folder.ice('why', `${at}`)
      expect([told.stderr, told.code, /\p{Cf}|\p{Cc}(?<!\n)/u.test(told.stdout)]).toEqual([
        '',
        0,
        false,
      ])
    }
    const judged = await folder.ice('backtest', '--policy', 'none.cedar', '--jsonl')
    expect(judged.code).toBe(3)
    folder.file('none.cedar', '')
    const again = await folder.ice('backtest', '--policy', 'none.cedar', '--jsonl')
    expect([again.stderr, again.code, jsonLines(again.stdout).at(-1)]).toMatchObject([
      '',
      6,
      { summary: { same: 0 } },
    ])
  }, 240_000)
})
