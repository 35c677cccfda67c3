/**
 * The programs of the recorded histories in `fixtures/histories`: one for each thing a run can do.
 *
 * They are never changed: a history that no longer follows its program is a fault of the runtime.
 * Nothing is imported here at run time, so any Node can load the file as it is.
 */
import type { Program, RunContext } from '../src/ports.ts'

const any = { parse: (value: unknown): unknown => value }

function program(name: string, run: Program['run'], more: Partial<Program> = {}): Program {
  return { name, version: '1', input: any, output: any, run, ...more }
}

export function doing(args: object = {}, action = 'do') {
  return { action, grant: 'g', arguments: args as never }
}

/** Effects that succeed, fail, and are denied; a proposal; time and chance. */
export const acting = program('h-effects', async (context, input) => {
  const first = await context.effect('first', doing({ input }))
  await context.propose('plan', { agent: 'alice', content: { first } as never, reason: 'because' })
  const both = await Promise.all([
    context.effect('a', { ...doing({ n: 1 }), proposal: 'plan' }),
    context.effect('b', doing({ dice: context.random.uint32(), id: context.uuid() })),
  ])
  const failed = await context.attempt('failed', doing({}, 'fail'))
  const denied = await context.attempt('denied', { ...doing(), grant: 'none' })
  return { first, both, failed: failed.kind, denied: denied.kind, at: context.now }
})

/** Times, signals that come, come early and do not come, and events of the log. */
export const waits = program(
  'h-waits',
  async (context) => {
    await context.sleep('nap', 86_400_000)
    const early = await context.signal('early', 'paid')
    const late = await context.signal('late', 'paid', { timeoutMs: 60_000 })
    const found = await context.event('found', { types: ['RunTerminated'], streamPrefix: 'run/' })
    return { early: early?.value ?? null, late: late?.value ?? null, found: found?.type ?? null }
  },
  { signals: { paid: any } },
)

/** Branches: the first wins, one of many suffices, all are wanted. */
export const branches = program('h-branches', async (context) => {
  const won = await context.race('race', {
    quick: (within) => within.effect('do', doing({ n: 1 })),
    slow: async (within) => {
      await within.sleep('long', 86_400_000)
      return null
    },
  })
  const some = await context.any('any', {
    bad: (within) => within.effect('do', doing({}, 'fail')),
    good: (within) => within.effect('do', doing({ n: 2 })),
  })
  const all = await context.all('all', {
    one: (within) => within.effect('do', doing({ n: 3 })),
    two: (within) => within.effect('do', doing({ n: 4 })),
  })
  const mapped = await context.map('map', [5, 6, 7], (within, n) =>
    within.effect('do', doing({ n })),
  )
  return { won, some, all, mapped }
})

export const child = program('h-child', async (context, input) => {
  const { n } = await context.effect<{ n: number }>('double', doing({ n: (input as number) * 2 }))
  if (n > 100) throw new Error('too much')
  return n
})

/** Two children, of which one fails. */
export const parent = program('h-parent', async (context) => {
  const under = { grant: 'spawn', grants: { g: 'g' } }
  const good = await context.spawn<number>('good', child, 21, under)
  const bad = await context.spawn<number>('bad', child, 51, under)
  return [await good.result(), (await bad.settled()).conclusion]
})

/** A line of three. */
export const line = program('h-line', async (context, input) => {
  const left = input as number
  await context.effect('count', doing({ left }))
  if (left > 0) return context.continueAs(left - 1)
  return 'done'
})

/** Before it was patched. */
export const unpatched = program('h-patched', async (context) => {
  await context.effect('old', doing({ n: 1 }))
  await context.sleep('nap', 1_000_000)
  return (await context.effect<object>('last', doing({ n: 2 }))) ?? null
})

/** After: runs that have not gone past it take the new way, and it drives those of version 0. */
export const patched = program(
  'h-patched',
  async (context) => {
    if (await context.patched('new-way')) await context.effect('new', doing({ n: 0 }))
    await context.effect('old', doing({ n: 1 }))
    await context.sleep('nap', 1_000_000)
    return (await context.effect<object>('last', doing({ n: 2 }))) ?? null
  },
  { version: '2', takesOver: ['1'] },
)

/** People: a question, a yes, a no, and nobody. */
export const approvals = program('h-approvals', async (context) => {
  const question = await context.approval('question', { prompt: 'Shall we?', details: { n: 1 } })
  const yes = await context.attempt('yes', { ...doing({ n: 1 }), grant: 'asked' })
  const no = await context.attempt('no', { ...doing({ n: 2 }), grant: 'asked' })
  const nobody = await context.approval('nobody', { prompt: 'Anybody?', timeoutMs: 1_000 })
  return { question: question.approved, yes: yes.kind, no: no.kind, nobody: nobody.lapsed ?? false }
})

/** An effect of which nobody knows whether it happened, until somebody does. */
export const doubts = program('h-doubts', async (context) => {
  const sent = await context.attempt('send', doing({ to: 'bob' }, 'send'))
  return sent.kind === 'succeeded' ? sent.value : sent.kind
})

/** Values that are held, handed on, and shown in part. */
export const references = program('h-references', async (context, input) => {
  const { document } = input as { readonly document: never }
  const held = await context.hold<{ text: string }>('read', doing({ text: 'words' }))
  await context.effect('write', doing({ document, quote: held }))
  const text = await context.reveal('look', context.part<string>(held, '/text'))
  return { text }
})

/** A result that its check refuses. */
export const refused = program('h-refused', async () => 'poor', {
  checks: [{ name: 'rich', check: (value) => (value === 'poor' ? 'it is poor' : undefined) }],
})

/** A program that throws. */
export const thrown = program('h-thrown', async (context) => {
  await context.effect('first', doing())
  throw Object.assign(new Error('enough'), { code: 'SHOP_CLOSED' })
})

/** A run that still waits. */
export const open = program(
  'h-open',
  async (context: RunContext) => {
    await context.effect('first', doing())
    const both = await Promise.all([
      context.signal('wanted', 'go'),
      context.approval('asked', { prompt: 'Go on?' }),
    ])
    return both.length
  },
  { signals: { go: any } },
)

/** All of them, as a module of programs has them. */
export const programs: readonly Program[] = [
  acting,
  waits,
  branches,
  child,
  parent,
  line,
  unpatched,
  patched,
  approvals,
  doubts,
  references,
  refused,
  thrown,
  open,
]
