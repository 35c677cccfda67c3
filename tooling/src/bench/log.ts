/**
 * The log: appending to it and replaying it, when it is short and when it is long, against the bare
 * work of the database. `ICE_BENCH_ONLY=P1,P2` leaves the other parts out.
 */

// @boundaries-ignore the sides of a contest lie with their package; the topic only lets them meet
import { APPEND_CASES, appendSides } from '../../../packages/events-sqlite/bench/append.ts'
// @boundaries-ignore as above
import { growingLog, peek, SMALL_EVENTS } from '../../../packages/events-sqlite/bench/growth.ts'
// @boundaries-ignore as above
import { replaySides } from '../../../packages/events-sqlite/bench/replay.ts'
import { type Figure, figure } from '../harness/figure.ts'
import { chosenParts } from '../harness/parts.ts'
import { type ContestResult, compete, median } from '../harness/rounds.ts'
import type { BenchTopic, TopicContext } from '../harness/topics.ts'
import { topic as postgres } from './postgres.ts'

const AGAINST = {
  floor: 'the indexed floor: the same bytes by hand, one transaction per 256',
  bare: 'the bare two-column insert of the same bytes, as many to a transaction as callers',
} as const

async function measureAppends({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const id of ['P1', 'P1-16', 'P1-1', 'P1-2KB'] as const) {
    const { callers, events, payloadBytes, peer } = APPEND_CASES[id]
    say(`${id}: ${callers} callers, ${events} events of ${payloadBytes} bytes a round`)
    const sides = await appendSides(APPEND_CASES[id])
    const rounds = full ? 31 : 15
    const { ours, ratio } = await compete({
      ours: sides.ours,
      peer: sides.peer,
      rounds,
      warmUps: 2,
    })
    sides.close()
    figures.push(figure(id, { value: ours, unit: 'events/s', against: AGAINST[peer], ratio }))
  }
  return figures
}

interface Replay {
  readonly plain: 'P3' | 'P3-2KB'
  readonly verified: 'P3-verify' | 'P3-2KB-verify'
  readonly events: number
  readonly payloadBytes: number
}

async function measureReplay(
  { full, say }: TopicContext,
  { plain, verified, events, payloadBytes }: Replay,
): Promise<readonly Figure[]> {
  say(`${plain}: writing a log of ${events} events of ${payloadBytes} bytes`)
  const sides = await replaySides(events, payloadBytes)
  const rounds = full ? 9 : 7
  const against = 'pluck().all() in pages of 512, JSON.parse and the same fold by hand'
  const replay = await compete({ ours: sides.ours, peer: sides.peer, rounds })
  const verify = await compete({ ours: sides.verified, peer: sides.peer, rounds })
  await sides.close()
  const unit = 'events/s'
  return [
    figure(plain, { value: replay.ours, unit, against, ratio: replay.ratio }),
    figure(verified, { value: verify.ours, unit, against, ratio: verify.ratio }),
  ]
}

/** Sizes at which the curve is told; the last is the one that is held against the target. */
const SIZES = [200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000]

async function measureGrowth({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const sizes = SIZES.filter((size) => full || size <= 1_000_000)
  const small = growingLog()
  const grown = growingLog()
  try {
    await small.growTo(SMALL_EVENTS)
    let last: ContestResult | undefined
    for (const size of sizes) {
      await grown.growTo(size, (position) => say(`P2: ${position} events are written`))
      last = await compete({ ours: grown.round, peer: small.round, rounds: full ? 9 : 7 })
      const rate = Math.round(last.ours)
      say(`P2: at ${size} events ${rate} events/s, ${last.ratio.toFixed(2)} of at ${SMALL_EVENTS}`)
    }
    if (last === undefined) return []
    const peeks = Array.from({ length: 5 }, () => [peek(grown.path), peek(small.path)] as const)
    const openMs = median(peeks.map(([ours]) => ours.openMs))
    const rss = median(peeks.map(([ours]) => ours.rssBytes))
    const rssSmall = median(peeks.map(([, peer]) => peer.rssBytes))
    const bytes = await grown.bytesAnEvent()
    const size = sizes.at(-1) ?? 0
    const against = `the same with ${SMALL_EVENTS} events; the grown log had ${size}`
    return [
      figure('P2', { value: last.ours, unit: 'events/s', against, ratio: last.ratio }),
      figure('P2-open', { value: openMs, unit: 'ms', against }),
      figure('P2-memory', { value: rss / 2 ** 20, unit: 'MiB', against, ratio: rss / rssSmall }),
      figure('P2-bytes', {
        value: bytes,
        unit: 'bytes',
        against,
        ratio: bytes / (await small.bytesAnEvent()),
      }),
    ]
  } finally {
    await small.close()
    await grown.close()
  }
}

const PARTS: Readonly<Record<string, (context: TopicContext) => Promise<readonly Figure[]>>> = {
  P1: measureAppends,
  P2: measureGrowth,
  P3: async (context) => {
    const events = context.full ? 1_000_000 : 200_000
    const small = { plain: 'P3', verified: 'P3-verify', events, payloadBytes: 200 } as const
    const large = { plain: 'P3-2KB', verified: 'P3-2KB-verify', payloadBytes: 2_048 } as const
    return [
      ...(await measureReplay(context, small)),
      ...(await measureReplay(context, { ...large, events: events / 5 })),
    ]
  },
  P4: (context) => postgres.run(context),
}

export const topic: BenchTopic = {
  summary: 'append, growth and replay on SQLite, append on PostgreSQL (P1 to P4)',
  async run(context) {
    const figures: Figure[] = []
    for (const [, part] of chosenParts('ICE_BENCH_ONLY', Object.entries(PARTS))) {
      figures.push(...(await part(context)))
    }
    return figures
  },
}
