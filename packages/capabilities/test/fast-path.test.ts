/**
 * The quick way to a yes says what the slow one says.
 *
 * A caveat that wants an approval for an action that nobody asks for changes nothing about a
 * grant, but that its chains are judged link by link. So the same world, with it and without it,
 * gives the same decisions.
 */
import type { RunId } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, fsKind, toolKind } from '../src/index.ts'
import type { AuthorityRequest, Caveat, Ceiling, Decision, Grant, Resource } from '../src/ports.ts'
import { alice, at, fsRoot, World } from './world.ts'

const IDLE: Caveat = { kind: 'approval-for', actions: ['nobody.asks'] }
const TIMES = [9, 10, 11, 19, 20, 21] as const
const RESOURCES: readonly Resource[] = [
  fsRoot('/repo'),
  fsRoot('/repo', 'src'),
  fsRoot('/repo', 'docs'),
  fsRoot('/etc'),
  { kind: 'tool', names: ['x'] },
  { kind: 'unknown' },
  { kind: 'fs', root: 'malformed' },
]
const ACTIONS = ['fs.read', 'fs.write', 'x'] as const
const HOLDERS = [
  'run',
  'other',
  'agent/a',
  'session/s',
  `principal/${alice}`,
  'tool/t',
  '?',
] as const
const SCOPES = ['all', 'run', 'agent/a', 'session/s', 'agent/other'] as const

const policy: Ceiling = {
  ...{ name: 'p', version: '1', digest: 'c'.repeat(64) as Ceiling['digest'] },
  judge: ({ request }) =>
    request.action === 'x'
      ? { permits: false, policies: [], reason: 'no x' }
      : { permits: true, policies: [] },
}

const link = fc.record({
  actions: fc.constantFrom(['fs.read'], ['fs.write', 'fs.read'], ACTIONS, ['fs.write', 'x']),
  resource: fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(RESOURCES.length - 1) },
  ),
  notBefore: fc.constantFrom(0, 0, 0, 10),
  expiresAt: fc.constantFrom(null, null, null, 20),
  holder: fc.constantFrom('run' as const, 'run' as const, ...HOLDERS),
  /** Links below it, but for those there are. */
  spare: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 1, -1),
  fate: fc.oneof(
    { weight: 20, arbitrary: fc.constant('none') },
    { weight: 1, arbitrary: fc.constantFrom('revoked', 'expired', 'odd') },
  ),
})
const asking = fc.record({
  run: fc.constantFrom('run', 'run', 'run', 'run', 'other', '../all'),
  agent: fc.constantFrom(undefined, 'a'),
  session: fc.constantFrom(undefined, 's'),
  principal: fc.constantFrom(undefined, alice),
  tool: fc.constantFrom(undefined, 't'),
  action: fc.constantFrom('fs.read', ...ACTIONS),
  path: fc.constantFrom('src/a', 'src/a', 'src/b', 'docs/b', '../c'),
  at: fc.constantFrom(...TIMES),
})
const scene = fc.record({
  links: fc.array(link, { minLength: 1, maxLength: 4 }),
  isRooted: fc.constantFrom(true, true, true, true, true, true, false),
  stop: fc.constantFrom(null, null, null, null, null, null, ...SCOPES),
  isLifted: fc.boolean(),
  governed: fc.constantFrom('no', 'no', 'no', 'no', 'no', 'both', 'both', 'loaded', 'adopted'),
  questions: fc.array(asking, { minLength: 3, maxLength: 6 }),
})
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never

/** What a world with these caveats on every link says, question by question. */
function verdicts(each: Scene, caveats: readonly Caveat[]): readonly Decision[] {
  const isLoaded = each.governed === 'loaded' || each.governed === 'both'
  const world = new World([fsKind, toolKind], 10, isLoaded ? policy : undefined)
  if (each.governed === 'both' || each.governed === 'adopted') {
    const { name, version, digest } = policy
    world.record('policy/ceiling', 'PolicyAdopted', { name, version, digest })
  }
  const named = (text: string): string =>
    text.replace(/^run$/, `run/${world.run}`).replace(/^other$/, `run/${world.otherRun}`)
  let parent: Grant['id'] | null = each.isRooted ? null : world.ids.nextGrantId()
  for (const [i, one] of each.links.entries()) {
    const grant = world.grant({
      parent,
      caveats,
      actions: one.actions,
      resource: RESOURCES[one.resource] as Resource,
      notBefore: at(one.notBefore),
      expiresAt: one.expiresAt === null ? null : at(one.expiresAt),
      holder: named(one.holder) as Grant['holder'],
      delegable: Math.max(0, each.links.length - 1 - i + one.spare),
    })
    if (one.fate === 'revoked') world.revoke(grant)
    if (one.fate === 'expired') world.record(`grant/${grant}`, 'CapabilityExpired', {})
    if (one.fate === 'odd') world.record(`grant/${grant}`, 'CapabilityWidened', {})
    parent = grant
  }
  if (each.stop !== null) {
    const scope = named(each.stop)
    world.record(`stop/${scope}`, 'AuthorityStopped', { scope, reason: 'enough' })
    if (each.isLifted) world.record(`stop/${scope}`, 'AuthorityResumed', { scope, reason: 'ok' })
  }
  return each.questions.map(({ run, path, ...asked }) => {
    const ids = { run: run === 'run' ? world.run : world.otherRun }
    const known = Object.fromEntries(Object.entries(asked).filter(([, part]) => part !== undefined))
    const over = { ...known, ...ids, resource: path === '../c' ? { name: 'x' } : { path } }
    const request = world.request(parent as Grant['id'], over as Partial<AuthorityRequest>)
    return decide(world.state, run === '../all' ? { ...request, run: run as RunId } : request)
  })
}

/** Verifies: CAP-R03, CAP-R04, CAP-R17 */
describe('the quick way to a decision', () => {
  it('says what the slow one says, of chains of every kind', () => {
    let [allowed, denied] = [0, 0]
    fc.assert(
      fc.property(scene, (each) => {
        const quick = verdicts(each, [])
        expect(quick).toEqual(verdicts(each, [IDLE]))
        for (const decision of quick) {
          if ('ok' in decision) allowed += 1
          else denied += 1
        }
      }),
      { numRuns: 1_000, seed: 15 },
    )
    // Two ways that always deny would agree as well.
    expect(Math.min(allowed, denied)).toBeGreaterThan(200)
  })
})
