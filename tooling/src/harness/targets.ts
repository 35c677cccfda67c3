/**
 * The targets of figures, in this one place, so that no measurement can bring its own.
 *
 * A target bounds the ratio to the limit or peer measured in the same run, or, where there is none,
 * the value itself.
 */

/** What a figure must reach. */
export interface Target {
  readonly what: string
  /** Which number of the figure is held against the bound. */
  readonly of: 'ratio' | 'value'
  readonly bound: 'at_least' | 'at_most'
  readonly target: number
}

/** By the figure's id. */
export const TARGETS = {
  P1: {
    what: 'append through the whole gateway, 256 callers, against the indexed floor',
    of: 'ratio',
    bound: 'at_least',
    target: 0.5,
  },
  'P1-16': {
    what: 'the same with 16 callers, against the bare two-column insert',
    of: 'ratio',
    bound: 'at_least',
    target: 0.45,
  },
  'P1-1': {
    what: 'the same with one caller, against the bare two-column insert',
    of: 'ratio',
    bound: 'at_least',
    target: 0.8,
  },
  'P1-2KB': {
    what: 'the same with payloads of 2 KB, against the bare two-column insert',
    of: 'ratio',
    bound: 'at_least',
    target: 0.5,
  },
  P2: {
    what: 'append through the whole gateway to a grown log, against one of 100,000 events',
    of: 'ratio',
    bound: 'at_least',
    target: 0.8,
  },
  'P2-open': { what: 'opening the grown log', of: 'value', bound: 'at_most', target: 100 },
  'P2-memory': {
    what: 'memory of a process that opens, appends and reads, grown log against small one',
    of: 'ratio',
    bound: 'at_most',
    target: 1.1,
  },
  'P2-bytes': {
    what: 'bytes of the file for each event, grown log against small one',
    of: 'ratio',
    bound: 'at_most',
    target: 1.1,
  },
  P3: {
    what: 'replay into a projection, against pluck().all(), JSON.parse and the fold',
    of: 'ratio',
    bound: 'at_least',
    target: 0.75,
  },
  'P3-verify': {
    what: 'the same with leaf hashes and tree verified on the way',
    of: 'ratio',
    bound: 'at_least',
    target: 0.4,
  },
  'P3-2KB': {
    what: 'replay of payloads of 2 KB into a projection, against the same by hand',
    of: 'ratio',
    bound: 'at_least',
    target: 0.75,
  },
  'P3-2KB-verify': {
    what: 'the same with leaf hashes and tree verified on the way',
    of: 'ratio',
    bound: 'at_least',
    target: 0.4,
  },
  P4: {
    what: 'append to PostgreSQL, 2 writer processes, guards checked, against the bare statement',
    of: 'ratio',
    bound: 'at_least',
    target: 0.6,
  },
  'P4-2KB': {
    what: 'the same with payloads of 2 KB',
    of: 'ratio',
    bound: 'at_least',
    target: 0.6,
  },
  P5: {
    what: 'a decision, chain of 3 among 100,000 grants, against one Map.get of a composed key',
    of: 'ratio',
    bound: 'at_most',
    target: 5,
  },
  'P5-cedar': {
    what: 'Cedar asked of 100 preparsed policies of the same meaning, against a decision',
    of: 'ratio',
    bound: 'at_least',
    target: 100,
  },
  P6: {
    what: 'governed runs of three effects, 16 at a time, against the best peer',
    of: 'ratio',
    bound: 'at_least',
    target: 1,
  },
  'P6-1': {
    what: 'the same, one at a time',
    of: 'ratio',
    bound: 'at_least',
    target: 1,
  },
  'P6-64': {
    what: 'the same, 64 at a time',
    of: 'ratio',
    bound: 'at_least',
    target: 1,
  },
  'P6-durable': {
    what: 'the same, 16 at a time, against the best peer that syncs at least once a run',
    of: 'ratio',
    bound: 'at_least',
    target: 3,
  },
  'P6-syncs': {
    what: 'syncs of a run, 16 at a time: five commits, shared',
    of: 'value',
    bound: 'at_most',
    target: 5,
  },
  'P6-floor': {
    what: 'the same, against bare group commits of the same rows',
    of: 'ratio',
    bound: 'at_least',
    target: 0.1,
  },
  'P6-p99': {
    what: 'the slowest of a hundred runs, 16 at a time',
    of: 'value',
    bound: 'at_most',
    target: 30,
  },
  'P6-p50': { what: 'a run, one at a time', of: 'value', bound: 'at_most', target: 3 },
  'P6-events': { what: 'events of a run', of: 'value', bound: 'at_most', target: 18 },
  'P6-show': {
    what: 'a run shown among very many events, against one alone in its log',
    of: 'ratio',
    bound: 'at_least',
    target: 0.8,
  },
  'P6-start': {
    what: 'runs started, to their end, among very many events, against a log of few',
    of: 'ratio',
    bound: 'at_least',
    target: 0.8,
  },
  'P6-resume': {
    what: 'runs resumed by a runtime opened for it, among very many events, against a log of few',
    of: 'ratio',
    bound: 'at_least',
    target: 0.8,
  },
  'P6-budget': {
    what: 'runs of twenty effects under one counted grant, against the same without a count',
    of: 'ratio',
    bound: 'at_least',
    target: 0.8,
  },
  'P6-budget-conflicts': {
    what: 'appends of these that conflicted, of all',
    of: 'value',
    bound: 'at_most',
    target: 0.05,
  },
  'P6-commits': { what: 'sequential commits of a run', of: 'value', bound: 'at_most', target: 5 },
  P7: {
    what: 'a step of a run of 10,000, against a step of a run of 100',
    of: 'ratio',
    bound: 'at_most',
    target: 1.2,
  },
  'P7-bytes': {
    what: 'bytes of the file for each of these steps',
    of: 'ratio',
    bound: 'at_most',
    target: 1.2,
  },
  P8: {
    what: 'memory of very many suspended runs, 1,000 a second due, more than an empty runtime',
    of: 'value',
    bound: 'at_most',
    target: 200,
  },
  'P8-asleep': {
    what: 'the same while nothing is due',
    of: 'value',
    bound: 'at_most',
    target: 200,
  },
  'P8-lag': {
    what: 'from when a run is due to when its program goes on, p99',
    of: 'value',
    bound: 'at_most',
    target: 100,
  },
  P9: {
    what: 'from `createRuntime` to the first run resumed, after a kill',
    of: 'value',
    bound: 'at_most',
    target: 200,
  },
  'P9-all': { what: 'until all are taken up', of: 'value', bound: 'at_most', target: 10 },
  P12: { what: '`ice --version`, against `node -e 0`', of: 'ratio', bound: 'at_most', target: 1.4 },
  'P12-run': {
    what: '`ice run` of a no-op on an existing store, more than `node -e 0`',
    of: 'value',
    bound: 'at_most',
    target: 200,
  },
  'S1-first': {
    what: 'the first guest of a process: the engine read, metered, compiled and started',
    of: 'value',
    bound: 'at_most',
    target: 500,
  },
  'S1-guest': {
    what: 'a guest that adds two numbers, against a new context of node:vm',
    of: 'ratio',
    bound: 'at_most',
    target: 1,
  },
  'S1-call': {
    what: 'an effect a guest asks for and is given, beside what the runtime does of it',
    of: 'value',
    bound: 'at_most',
    target: 100,
  },
  'S1-fuel': {
    what: 'fuel a guest uses in a loop, in millions of units a second',
    of: 'value',
    bound: 'at_least',
    target: 100,
  },
} as const satisfies Readonly<Record<string, Target>>

/** A figure that has a target. */
export type FigureId = keyof typeof TARGETS
