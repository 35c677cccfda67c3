/** Appending to and replaying the log on SQLite, against the bare work of the database. */

// @boundaries-ignore the sides of a contest lie with their package; the topic only lets them meet
import { APPEND_CASES, appendSides } from '../../../packages/events-sqlite/bench/append.ts'
// @boundaries-ignore as above
import { replaySides } from '../../../packages/events-sqlite/bench/replay.ts'
import { type Figure, figure } from '../harness/figure.ts'
import { compete } from '../harness/rounds.ts'
import type { BenchTopic, TopicContext } from '../harness/topics.ts'

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

async function measureReplay({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const events = full ? 1_000_000 : 200_000
  say(`P3: writing a log of ${events} events`)
  const sides = await replaySides(events)
  const rounds = full ? 9 : 7
  const against = 'pluck().all() in pages of 512, JSON.parse and the same fold by hand'
  const replay = await compete({ ours: sides.ours, peer: sides.peer, rounds })
  const verify = await compete({ ours: sides.verified, peer: sides.peer, rounds })
  await sides.close()
  const unit = 'events/s'
  return [
    figure('P3', { value: replay.ours, unit, against, ratio: replay.ratio }),
    figure('P3-verify', { value: verify.ours, unit, against, ratio: verify.ratio }),
  ]
}

export const topic: BenchTopic = {
  summary: 'append through the gateway and replay, on SQLite (P1, P3)',
  run: async (context) => [...(await measureAppends(context)), ...(await measureReplay(context))],
}
