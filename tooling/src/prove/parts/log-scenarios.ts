/**
 * What a process does to a log while it is killed, refused or without power: one scenario for each
 * way in which the store uses its files.
 */
import type { PlanInit } from './log-plan.ts'

/** What the hand of a scenario can do to the log. */
export interface Hand {
  /** Opens the log, or creates it. */
  open(): Promise<void>
  /** Appends units of a lane, one after another. */
  append(lane: number, from: number, to: number): Promise<void>
  /** Lets another connection move the WAL into the file. */
  checkpoint(mode: 'PASSIVE' | 'RESTART' | 'TRUNCATE'): void
  /** Copies the log while it is written to. */
  backup(): Promise<void>
  close(): Promise<void>
}

/** One scenario. */
export interface Scenario {
  readonly plan: Omit<PlanInit, 'seed'>
  /** What is there before: nothing, a log, or a log of the oldest format. */
  readonly base: 'none' | 'log' | 'oldest'
  /** Its files are small enough to be written anew for each crash state. */
  readonly isSmall: boolean
  readonly run: (hand: Hand) => Promise<void>
}

const scenario = (init: Partial<Scenario> & Pick<Scenario, 'plan' | 'run'>): Scenario => ({
  base: 'log',
  isSmall: true,
  ...init,
})

const inLanes = (hand: Hand, lanes: number, from: number, to: number): Promise<unknown> =>
  Promise.all(Array.from({ length: lanes }, (_, lane) => hand.append(lane, from, to)))

const single = scenario({
  plan: { lanes: 1, units: 10 },
  async run(hand) {
    await hand.open()
    await hand.append(0, 0, 10)
    await hand.close()
  },
})

const group = scenario({
  plan: { lanes: 6, units: 4 },
  async run(hand) {
    await hand.open()
    await inLanes(hand, 6, 0, 4)
    await hand.close()
  },
})

const blobs = scenario({
  plan: { lanes: 2, units: 4, blobBytes: [10, 30_000] },
  async run(hand) {
    await hand.open()
    await inLanes(hand, 2, 0, 4)
    await hand.close()
  },
})

/** Closing moves the WAL into the file and removes it; the next handle makes another one. */
const reopen = scenario({
  plan: { lanes: 1, units: 9 },
  async run(hand) {
    for (const from of [0, 3, 6]) {
      await hand.open()
      await hand.append(0, from, from + 3)
      await hand.close()
    }
  },
})

/** The WAL is moved under the hands of a writer, who then begins it anew over the old one. */
const checkpoint = scenario({
  plan: { lanes: 2, units: 9 },
  async run(hand) {
    await hand.open()
    await inLanes(hand, 2, 0, 3)
    hand.checkpoint('PASSIVE')
    await inLanes(hand, 2, 3, 5)
    hand.checkpoint('RESTART')
    await inLanes(hand, 2, 5, 7)
    hand.checkpoint('TRUNCATE')
    await inLanes(hand, 2, 7, 9)
    await hand.close()
  },
})

/** Long enough that the store itself moves the WAL, in the middle of an append. */
const automatic = scenario({
  plan: { lanes: 1, units: 12, blobBytes: [900_000, 1_000_000] },
  isSmall: false,
  async run(hand) {
    await hand.open()
    await hand.append(0, 0, 12)
    await hand.close()
  },
})

const creation = scenario({
  plan: { lanes: 2, units: 2 },
  base: 'none',
  async run(hand) {
    await hand.open()
    await inLanes(hand, 2, 0, 2)
    await hand.close()
  },
})

const migration = scenario({
  plan: { lanes: 1, units: 4 },
  base: 'oldest',
  async run(hand) {
    await hand.open()
    await hand.append(0, 0, 4)
    await hand.close()
  },
})

const backup = scenario({
  plan: { lanes: 2, units: 6 },
  async run(hand) {
    await hand.open()
    await inLanes(hand, 2, 0, 2)
    await Promise.all([hand.backup(), inLanes(hand, 2, 2, 4)])
    await inLanes(hand, 2, 4, 6)
    await hand.close()
  },
})

/** By the name that stands in the name of a case. */
export const SCENARIOS = {
  single,
  group,
  blobs,
  reopen,
  checkpoint,
  automatic,
  creation,
  migration,
  backup,
} as const satisfies Readonly<Record<string, Scenario>>

/** The name of a scenario. */
export type ScenarioName = keyof typeof SCENARIOS

/** All of them. */
export const SCENARIO_NAMES: readonly ScenarioName[] = Object.keys(SCENARIOS) as ScenarioName[]
