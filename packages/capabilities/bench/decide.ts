/**
 * One decision: chains of depth 3 among 100,000 grants, requests in random order.
 *
 * It is measured against a `Map.get` of a key that is composed of the same parts, and by
 * `npm run bench -- authority` against Cedar too. The two sides are measured one after the other
 * in turning order; what is printed is the median of the rounds. A ratio of 3 is three times the
 * time of the lookup. No log is involved: a decision is made on what was folded.
 *
 *     node bench/decide.ts [--json]
 */

import { type GrantId, seededRandom } from '@ice/primitives'
import { decide } from '../src/index.ts'
import type { AuthorityRequest } from '../src/ports.ts'
import { fsRoot, World } from '../test/world.ts'

const GRANTS = 100_000
const DEPTH = 3
const REQUESTS = 20_000
const ROUNDS = 21

/** What is measured: each runs once and gives the time of one question, in nanoseconds. */
export interface Decisions {
  /** The grants that requests name, and whose run they are of. */
  readonly leaves: readonly GrantId[]
  readonly run: string
  decision(): number
  /** The same, with requests that name only the first so many of the leaves. */
  decisionAmong(leaves: number): number
  lookup(): number
}

/** Makes the grants, the requests, and the table that says the same of them. */
export function createDecisions(): Decisions {
  const world = new World()
  const leaves = populate(world)
  const random = seededRandom('bench')
  const requestsAmong = (count: number): readonly AuthorityRequest[] =>
    Array.from({ length: REQUESTS }, (_, i) => {
      const grant = leaves[Math.floor(random.float() * count)] as GrantId
      return world.request(grant, { resource: { path: `src/a/file-${i % 100}.ts` } })
    })
  const requests = requestsAmong(leaves.length)
  const few = new Map<number, readonly AuthorityRequest[]>()
  const table = tableOf(world, leaves)
  const isAllowed = (request: AuthorityRequest): boolean => 'ok' in decide(world.state, request)
  return {
    leaves,
    run: world.run,
    decision: () => timed(requests, isAllowed),
    decisionAmong(count) {
      const asked = few.get(count) ?? requestsAmong(count)
      few.set(count, asked)
      return timed(asked, isAllowed)
    },
    lookup: () =>
      timed(requests, ({ run, grant, action }) => table.get(`${run}|${grant}|${action}`) === true),
  }
}

/** Chains of three: a root, a narrower one, and one that names two folders. */
function populate(world: World): readonly GrantId[] {
  const leaves: GrantId[] = []
  for (let i = 0; i < GRANTS / DEPTH; i += 1) {
    const root = world.grant({ delegable: 2, actions: ['fs.list', 'fs.read', 'fs.write'] })
    const middle = world.grant({ parent: root, delegable: 1, resource: fsRoot('/repo', 'src') })
    const within = fsRoot('/repo', 'src/a', `src/b${i}`)
    leaves.push(world.grant({ parent: middle, resource: within }))
  }
  return leaves
}

function tableOf(world: World, leaves: readonly GrantId[]): ReadonlyMap<string, boolean> {
  const table = new Map<string, boolean>()
  for (const leaf of leaves) {
    for (const action of ['fs.list', 'fs.read', 'fs.write']) {
      table.set(`${world.run}|${leaf}|${action}`, action === 'fs.read')
    }
  }
  return table
}

function timed(
  requests: readonly AuthorityRequest[],
  work: (request: AuthorityRequest) => boolean,
): number {
  let allowed = 0
  const from = process.hrtime.bigint()
  for (const request of requests) allowed += work(request) ? 1 : 0
  const ns = Number(process.hrtime.bigint() - from) / requests.length
  if (allowed !== requests.length) throw new RangeError(`${allowed} of them were allowed`)
  return ns
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function main(): void {
  const { decision, lookup } = createDecisions()
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const first = round % 2 === 0 ? decision() : 0
    const against = lookup()
    return { value: first || decision(), against }
  }).slice(3)
  const value = Math.round(median(rounds.map((round) => round.value)))
  const against = Math.round(median(rounds.map((round) => round.against)))
  const ratio = Number(median(rounds.map((round) => round.value / round.against)).toFixed(2))
  const figure = { id: 'P5', value, unit: 'ns', against, ratio, target: 5, met: ratio <= 5 }
  const text = process.argv.includes('--json')
    ? JSON.stringify({ topic: 'decisions', figures: [figure] })
    : `decision, chain of ${DEPTH} among ${GRANTS} grants: ${value} ns\n` +
      `Map.get of a composed key: ${against} ns\nratio: ${ratio} (target 5 or less)`
  process.stdout.write(`${text}\n`)
}

if (import.meta.main) main()
