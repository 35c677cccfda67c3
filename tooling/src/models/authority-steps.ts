/**
 * Random sequences of everything that spends a budget: runs of two processes under shared grants,
 * whose effects take less or more than they said, fail, end in doubt, and lose their process.
 */
import fc from 'fast-check'

/** What one grant limits; a unit that is left out is not limited. */
export interface ModelLimits {
  readonly uses?: number
  readonly tokens?: number
  /** In each window of `MODEL_WINDOW_MS`. */
  readonly rate?: number
}

/** @units milliseconds of a window of every rate here */
export const MODEL_WINDOW_MS = 1_000

/** One effect: what it says it takes at most, and what comes of it. */
export interface ModelEffect {
  readonly action: 'spend' | 'pay'
  readonly bound: number
  readonly does: 'exact' | 'less' | 'more' | 'silent' | 'fail' | 'fail-less' | 'deny' | 'doubt'
}

/** One thing that happens. Which run, grant or handler is an index, modulo what there is. */
export type AuthorityStep =
  | {
      readonly kind: 'start'
      readonly process: number
      readonly grant: number
      readonly groups: readonly (readonly ModelEffect[])[]
    }
  | { readonly kind: 'release'; readonly which: number }
  | {
      readonly kind: 'crash'
      readonly process: number
      readonly when: 'now' | 'before append' | 'after append'
    }
  | { readonly kind: 'resume'; readonly process: number; readonly run: number }
  | { readonly kind: 'resolve'; readonly run: number; readonly happened: boolean }
  | {
      readonly kind: 'abort'
      readonly process: number
      readonly run: number
      readonly force: boolean
    }
  | { readonly kind: 'delegate'; readonly grant: number; readonly limits: ModelLimits }
  | { readonly kind: 'revoke'; readonly grant: number }
  | { readonly kind: 'tick'; readonly ms: number }

/** A sequence: the roots there are, and what happens. */
export interface AuthorityCase {
  readonly roots: readonly ModelLimits[]
  readonly steps: readonly AuthorityStep[]
}

const index = fc.nat(99)
const process = fc.nat(1)

/** Small ones, which are fought over to the last, and large ones, which are sliced. */
const limits: fc.Arbitrary<ModelLimits> = fc
  .record({
    uses: fc.option(fc.constantFrom(2, 5, 12, 700, 5_000), { nil: undefined }),
    tokens: fc.option(fc.constantFrom(20, 60, 150, 2_000, 100_000), { nil: undefined }),
    rate: fc.option(fc.constantFrom(2, 12, 300), { nil: undefined, freq: 1 }),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, max]) => max !== undefined)))

const effect: fc.Arbitrary<ModelEffect> = fc.record({
  action: fc.constantFrom('spend' as const, 'pay' as const),
  bound: fc.constantFrom(0, 1, 4, 10, 25),
  does: fc.constantFrom(
    'exact' as const,
    'less' as const,
    'less' as const,
    'more' as const,
    'silent' as const,
    'fail' as const,
    'fail-less' as const,
    'deny' as const,
    'doubt' as const,
  ),
})

const groups = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.array(effect, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(effect, { minLength: 2, maxLength: 5 }) },
  ),
  { minLength: 1, maxLength: 5 },
)

const step: fc.Arbitrary<AuthorityStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('start' as const), process, grant: index, groups }),
  },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('release' as const), which: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      process,
      when: fc.constantFrom('now' as const, 'before append' as const, 'after append' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('resume' as const), process, run: index }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('resolve' as const),
      run: index,
      happened: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('abort' as const),
      process,
      run: index,
      force: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('delegate' as const), grant: index, limits }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), grant: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      ms: fc.constantFrom(25, 400, 1_000, 9_500),
    }),
  },
)

/** Sequences as they are drawn. */
export const authorityCases: fc.Arbitrary<AuthorityCase> = fc.record({
  roots: fc.array(limits, { minLength: 1, maxLength: 2 }),
  steps: fc.array(step, { minLength: 4, maxLength: 28 }),
})
