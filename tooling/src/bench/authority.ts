/**
 * Authority: what a decision costs (P5), and what a budget over many runs does.
 *
 * A decision is held against the least anything could do, one lookup of a key, and against Cedar
 * asked of policies of the same meaning. All three are measured in turns, in one process.
 */
// @boundaries-ignore the grants and requests are those of the package's own bench
import { createDecisions } from '../../../packages/capabilities/bench/decide.ts'
import { type Figure, figure } from '../harness/figure.ts'
import { compete } from '../harness/rounds.ts'
import type { BenchTopic, TopicContext } from '../harness/topics.ts'
import { createCedarPeer, POLICIES } from './parts/cedar.ts'
import { runsUnderBudget } from './parts/runs-under-budget.ts'

type Part = (context: TopicContext) => Promise<readonly Figure[]>

export const topic: BenchTopic = {
  summary: 'a decision against one lookup and against Cedar (P5); runs under one budget',
  async run(context) {
    const figures: Figure[] = []
    for (const part of PARTS) figures.push(...(await part(context)))
    return figures
  },
}

const PARTS: readonly Part[] = [decisions, runsUnderBudget]

async function decisions({ full, say }: TopicContext): Promise<readonly Figure[]> {
  say('100,000 grants, chains of 3')
  const { decision, decisionAmong, lookup, leaves, run } = createDecisions()
  const rounds = full ? 41 : 21
  const plain = await compete({ rounds, warmUps: 3, ours: decision, peer: lookup })
  const cedar = createCedarPeer(leaves, run)
  const questions = full ? 500 : 100
  // Both are asked about the same grants: Cedar has no more than these.
  const same = (): number => decisionAmong(POLICIES)
  const engine = await compete({ rounds, ours: () => cedar(questions), peer: same })
  return [
    figure('P5', {
      value: plain.ours,
      unit: 'ns',
      against: `one Map.get of a composed key: ${Math.round(plain.peer)} ns`,
      ratio: plain.ratio,
    }),
    figure('P5-cedar', {
      value: engine.ours,
      unit: 'ns',
      against: `a decision on the same grants: ${Math.round(engine.peer)} ns`,
      ratio: engine.ratio,
    }),
  ]
}
