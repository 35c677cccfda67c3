/**
 * Canonical writing against `JSON.stringify`, strict parsing against `JSON.parse`, and hashing.
 *
 * Each round measures the peer and ours one after the other, in turning order; what is printed is
 * the median of the ratios of the rounds. A ratio of 1.30 is 1.30 times the peer's time.
 *
 *     node bench/canonical.ts [--json]
 */
import { canonicalize, leafHash, parseStrict } from '../src/index.ts'

const ROUNDS = 15
const ROUND_MS = 40

const small = {
  v: 1,
  stream: 'run/01929f6e-1c00-7abc-8def-0123456789ab',
  version: 7,
  type: 'EffectCompleted',
  schema: 1,
  time: 1_735_689_600_123,
  origin: 'runtime',
  principal: 'os:alice',
  causes: ['run/01929f6e-1c00-7abc-8def-0123456789ab@6'],
  cost: { ms: 12.25, tokens: 0 },
  data: {
    effect: 'scan/src/a.ts',
    attempt: 1,
    ok: true,
    outcome: 'The file was read. It has 212 lines and no trailing white space anywhere.',
    digest: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
}
const medium = {
  ...small,
  data: { items: Array.from({ length: 12 }, (_, at) => ({ ...small.data, at, note: 'a "b"\n' })) },
}
const large = Array.from({ length: 1_200 }, (_, at) => ({ ...small, version: at }))

interface Contest {
  readonly name: string
  readonly targetMax: number | undefined
  readonly peer: () => unknown
  readonly ours: () => unknown
}

function contests(
  name: string,
  value: unknown,
  targets: readonly (number | undefined)[],
): Contest[] {
  const text = JSON.stringify(value)
  const bytes = new TextEncoder().encode(text)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const [write, parse] = targets
  const size = `${name}, ${bytes.length} B`
  return [
    {
      name: `canonicalize / JSON.stringify (${size})`,
      targetMax: write,
      peer: () => JSON.stringify(value),
      ours: () => canonicalize(value),
    },
    {
      name: `parseStrict(text) / JSON.parse (${size})`,
      targetMax: parse,
      peer: () => JSON.parse(text),
      ours: () => parseStrict(text),
    },
    {
      name: `parseStrict(bytes) / decode + JSON.parse (${size})`,
      targetMax: parse,
      peer: () => JSON.parse(decoder.decode(bytes)),
      ours: () => parseStrict(bytes),
    },
  ]
}

/** Nanoseconds a call. */
function measure(work: () => unknown, ms: number): number {
  let calls = 0
  let batch = 1
  const start = performance.now()
  let passed = 0
  while (passed < ms) {
    for (let each = 0; each < batch; each += 1) work()
    calls += batch
    batch *= 2
    passed = performance.now() - start
  }
  return (passed * 1e6) / calls
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function run(contest: Contest): { name: string; ratio: number; oursNs: number; peerNs: number } {
  const rounds: { ours: number; peer: number }[] = []
  measure(contest.ours, ROUND_MS)
  measure(contest.peer, ROUND_MS)
  for (let round = 0; round < ROUNDS; round += 1) {
    const oursFirst = round % 2 === 0
    const early = oursFirst ? measure(contest.ours, ROUND_MS) : 0
    const peer = measure(contest.peer, ROUND_MS)
    rounds.push({ ours: oursFirst ? early : measure(contest.ours, ROUND_MS), peer })
  }
  return {
    name: contest.name,
    ratio: median(rounds.map(({ ours, peer }) => ours / peer)),
    oursNs: median(rounds.map(({ ours }) => ours)),
    peerNs: median(rounds.map(({ peer }) => peer)),
  }
}

const text = canonicalize(small)
const all: readonly Contest[] = [
  ...contests('event', small, [1.3, undefined]),
  ...contests('event with a list', medium, []),
  ...contests('1,200 events', large, [undefined, 6]),
  {
    name: 'canonicalize + leafHash / JSON.stringify (event)',
    targetMax: undefined,
    peer: () => JSON.stringify(small),
    ours: () => leafHash(canonicalize(small)),
  },
  {
    name: 'leafHash / canonicalize (event)',
    targetMax: undefined,
    peer: () => canonicalize(small),
    ours: () => leafHash(text),
  },
]

const results = all.map((contest) => ({ ...run(contest), targetMax: contest.targetMax }))
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(results))
} else {
  for (const { name, ratio, oursNs, peerNs, targetMax } of results) {
    const target = targetMax === undefined ? '' : `  target <= ${targetMax}`
    const figures = `${oursNs.toFixed(0).padStart(9)} ns  peer ${peerNs.toFixed(0).padStart(9)} ns`
    console.log(`${ratio.toFixed(2).padStart(6)}x  ${figures}  ${name}${target}`)
  }
}
