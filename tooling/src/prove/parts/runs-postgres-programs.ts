/**
 * The programs of R9: between them effects of every fate, attempts that are repeated, times, a
 * signal, a question, children, staged effects, and effects that are undone.
 *
 * What a run is to come to follows from its input alone, so that whoever judges need not ask it.
 */
import type { GrantId, JsonValue } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { Fate, GrantSpec, Program, RunContext } from '@ice/runs/ports'

/** What handlers do, by their fates. */
export const ACTIONS = {
  look: 'observe',
  put: 'idempotent',
  /** Undone by its handler. */
  make: 'idempotent',
  /** Fails at its first attempt. */
  flaky: 'idempotent',
  pay: 'irreversible',
  /** Undone by `refund`. */
  book: 'irreversible',
  refund: 'irreversible',
  mail: 'irreversible',
} as const satisfies Record<string, Fate>

/** One of them. */
export type Action = keyof typeof ACTIONS

/** How a program under proof comes to its end. */
export interface Proved {
  readonly program: Program
  readonly grants: Readonly<Record<string, GrantSpec | GrantId>>
  /** What it must come to; `null`: it aborts, and is undone. */
  readonly value: ((n: number) => JsonValue) | null
  readonly signal?: string
}

const any = { parse: (value: unknown): JsonValue => value as JsonValue }
const names = Object.keys(ACTIONS)
const g: GrantSpec = { actions: names, resource: { kind: 'tool', names }, delegable: 2 }
const spawn: GrantSpec = {
  actions: ['run.spawn'],
  resource: { kind: 'spawn', names: ['r9-child'], widthMax: 4 },
  delegable: 2,
}

const asks = (action: Action, args: Record<string, JsonValue> = {}) => ({
  action,
  grant: 'g',
  arguments: args,
})

const named = (name: string, run: (ctx: RunContext, n: number) => Promise<JsonValue>): Program =>
  defineProgram({
    name: `r9-${name}`,
    version: '1',
    input: any,
    output: any,
    signals: { word: any },
    run: (ctx: RunContext, input: JsonValue) => run(ctx, input as number),
  })

const retry = { attempts: 4, firstMs: 60, factor: 2, maxMs: 500 }

const fates = named('fates', async (ctx, n) => {
  await ctx.effect('look', asks('look', { n }))
  await Promise.all([1, 2, 3].map((at) => ctx.effect(`put/${at}`, asks('put', { n, at }))))
  await Promise.all([1, 2].map((at) => ctx.effect(`pay/${at}`, asks('pay', { n, at }))))
  const flaky = await ctx.attempt('flaky', { ...asks('flaky'), retry })
  await ctx.effect('last', asks('pay', { n }))
  return [n, flaky.kind]
})

const waits = named('waits', async (ctx, n) => {
  await ctx.sleep('short', 100)
  const word = await ctx.signal<JsonValue>('word', 'word')
  await ctx.effect('pay', asks('pay', { n }))
  // Long enough to let go of the run, so that any worker takes it up.
  await ctx.sleep('long', 700)
  const { approved } = await ctx.approval('sure', { prompt: 'Sure?' })
  await ctx.effect('put', asks('put', { n }))
  return [n, word?.value ?? null, approved]
})

const child = named('child', async (ctx, n) => {
  await ctx.effect('work', asks('put', { n }))
  await ctx.sleep('nap', 400)
  await ctx.effect('pay', asks('pay', { n }))
  return n * 2
})

const parent = named('parent', async (ctx, n) => {
  const under = { grant: 'spawn', grants: { g: 'g' }, tags: { round: 'r9' } }
  const [one, two] = await Promise.all([
    ctx.spawn<number>('one', child, n, under),
    ctx.spawn<number>('two', child, n + 1, under),
  ])
  await ctx.effect('meanwhile', asks('pay', { n }))
  return [await one.result(), await two.result()]
})

const stages = named('stages', async (ctx, n) => {
  await ctx.stage('mail', asks('mail', { n }))
  await ctx.effect('put', asks('put', { n }))
  await ctx.stage('more', asks('put', { n, staged: true }))
  await ctx.effect('pay', asks('pay', { n }))
  return n
})

const undoes = named('undoes', async (ctx, n) => {
  const compensation = asks('refund', { n })
  await ctx.effect('made', asks('make', { n }))
  await ctx.effect('booked', { ...asks('book', { n }), compensation })
  await ctx.effect('again', asks('make', { n }))
  await ctx.stage('never', asks('mail', { n }))
  throw new Error('all of it is undone')
})

const ends = (program: Program, value: Proved['value'], more: Partial<Proved> = {}) =>
  [program.name, { program, grants: { g }, value, ...more }] as const

/** Those that are started, by name. */
export const PROVED: ReadonlyMap<string, Proved> = new Map([
  ends(fates, (n) => [n, 'succeeded']),
  ends(waits, (n) => [n, 'go', true], { signal: 'word' }),
  ends(parent, (n) => [n * 2, n * 2 + 2], { grants: { g, spawn } }),
  ends(stages, (n) => n),
  ends(undoes, null),
])

/** All that a worker has to know. */
export const PROGRAMS: readonly Program[] = [
  ...[...PROVED.values()].map(({ program }) => program),
  child,
]

/** The effects of a run of `undoes`, latest first: how they are undone. */
export const UNDONE: readonly string[] = ['again', 'booked', 'made']
