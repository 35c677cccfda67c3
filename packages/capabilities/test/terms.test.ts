/** The terms of approvals by themselves: whose yes counts, and who is asked until when. */
import type { GrantId, Hash, PrincipalId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { askOf, type Consent, consentFault, termsFault, termsOf } from '../src/approval.ts'
import { APPROVE_ACTION, approvalKind } from '../src/approval-kind.ts'
import { APPROVAL_MS_MAX } from '../src/limits.ts'
import type { ApprovalTerms, Grant, Resource } from '../src/ports.ts'
import { alice, at, mallory, World } from './world.ts'

const bob = 'os:bob' as PrincipalId
const digest = 'd'.repeat(64) as Hash
const people = (n: number): PrincipalId[] =>
  Array.from({ length: n }, (_, i) => `os:u${i}` as PrincipalId)

/** Verifies: CAP-R63 */
describe('terms', () => {
  it.each<ApprovalTerms>([
    {},
    { by: people(1) },
    { by: people(32) },
    { timeoutMs: 1 },
    { timeoutMs: APPROVAL_MS_MAX },
    { by: [alice], escalateAfterMs: 1, escalateTo: [bob] },
    { by: [alice], escalateAfterMs: APPROVAL_MS_MAX, escalateTo: people(32) },
    { by: [alice], escalateAfterMs: 1, escalateTo: [bob], timeoutMs: 2 },
  ])('are well formed: %j', (terms) => {
    expect(termsFault({ kind: 'approval', ...terms })).toBeUndefined()
  })

  it.each<[string, object]>([
    ['"by" is a list', { by: people(33) }],
    ['"by" is a list', { by: [alice, 'a b'] }],
    ['"timeoutMs" is', { timeoutMs: 0 }],
    ['"timeoutMs" is', { timeoutMs: APPROVAL_MS_MAX + 1 }],
    ['"escalateAfterMs" is', { by: [alice], escalateAfterMs: 0, escalateTo: [bob] }],
    ['"escalateTo" is', { by: [alice], escalateAfterMs: 1, escalateTo: [] }],
    ['go together', { by: [alice], escalateTo: [bob] }],
    ['go together', { by: [alice], escalateAfterMs: 1 }],
    ['does not escalate', { escalateAfterMs: 1, escalateTo: [bob] }],
    ['has lapsed', { by: [alice], escalateAfterMs: 2, escalateTo: [bob], timeoutMs: 2 }],
  ])('are none, because %s: %j', (reason, terms) => {
    expect(termsFault({ kind: 'approval', ...terms })).toContain(reason)
  })

  it('are those of the caveats that want this action approved', () => {
    const own = { kind: 'approval-for', actions: ['fs.write'], by: [alice] } as const
    const all = { kind: 'approval', by: [bob] } as const
    const grants = [
      { caveats: [{ kind: 'count', max: 1 }, own] },
      { caveats: [all, { kind: 'same-run', run: new World().run }] },
    ] as unknown as readonly Grant[]
    expect(termsOf(grants, 'fs.write')).toEqual([own, all])
    expect(termsOf(grants, 'fs.read')).toEqual([all])
  })

  const consent = (by: PrincipalId | undefined, from?: number, to?: number): Consent => ({
    by,
    askedAt: from === undefined ? undefined : at(from),
    answeredAt: to === undefined ? undefined : at(to),
  })

  it.each<[string, ApprovalTerms, Consent, string | undefined]>([
    ['nothing is wanted', {}, consent(undefined), undefined],
    ['who is said, no time is wanted', { by: [alice] }, consent(alice), undefined],
    ['nobody is said', { by: [alice] }, consent(undefined, 1, 2), 'who gave it'],
    ['no time is said', { timeoutMs: 5 }, consent(alice), 'when it was given'],
    ['the question has none', { timeoutMs: 5 }, consent(alice, undefined, 2), 'when it was given'],
    ['the answer has none', { timeoutMs: 5 }, consent(alice, 2), 'when it was given'],
    ['the answer came first', { timeoutMs: 5 }, consent(alice, 3, 2), 'when it was given'],
    ['it came at once', { timeoutMs: 1 }, consent(alice, 3, 3), undefined],
    ['it came too late', { timeoutMs: 1 }, consent(alice, 3, 4), 'too late'],
    [
      'it would escalate, and no time is said',
      { by: [alice], escalateAfterMs: 1, escalateTo: [bob] },
      consent(alice),
      'when it was given',
    ],
    [
      'it has not escalated yet',
      { by: [alice], escalateAfterMs: 1, escalateTo: [bob] },
      consent(bob, 3, 3),
      'it is by "os:bob"',
    ],
    [
      'it has escalated',
      { by: [alice], escalateAfterMs: 1, escalateTo: [bob] },
      consent(bob, 3, 4),
      undefined,
    ],
    [
      'it has escalated to another',
      { by: [alice], escalateAfterMs: 1, escalateTo: [bob] },
      consent(mallory, 3, 9),
      'it is by "os:mallory"',
    ],
  ])('say of a yes, when %s, whether it counts', (_, terms, given, fault) => {
    const found = consentFault([terms], given)
    if (fault === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(fault)
    // The terms of a second link hold as well, whatever the first ones are.
    expect(consentFault([{}, terms], given)).toBe(found)
  })

  it.each<[string, readonly ApprovalTerms[], object | undefined]>([
    ['anybody, for ever', [{}, {}], { approvers: null, timeoutMs: null, escalation: null }],
    [
      'those on all lists, until the first time runs out',
      [{ by: [alice, bob], timeoutMs: 9 }, {}, { by: [bob, mallory], timeoutMs: 5 }],
      { approvers: [bob], timeoutMs: 5, escalation: null },
    ],
    [
      'more people, once each of the terms would ask them',
      [
        { by: [alice], escalateAfterMs: 3, escalateTo: [bob] },
        { by: [alice, bob], escalateAfterMs: 6, escalateTo: [mallory], timeoutMs: 7 },
      ],
      { approvers: [alice], timeoutMs: 7, escalation: { afterMs: 6, to: [bob] } },
    ],
    [
      'nobody more, when it lapses just then',
      [
        { by: [alice], escalateAfterMs: 3, escalateTo: [bob] },
        { by: [alice, bob], timeoutMs: 3 },
      ],
      { approvers: [alice], timeoutMs: 3, escalation: null },
    ],
    [
      'nobody more, when who comes then is asked already',
      [{ by: [alice, bob], escalateAfterMs: 3, escalateTo: [bob] }],
      { approvers: [alice, bob], timeoutMs: null, escalation: null },
    ],
    [
      'somebody only after a while',
      [{ by: [alice], escalateAfterMs: 3, escalateTo: [bob] }, { by: [bob] }],
      { approvers: [], timeoutMs: null, escalation: { afterMs: 3, to: [bob] } },
    ],
    ['nobody at all', [{ by: [alice] }, { by: [bob] }], undefined],
  ])('ask %s', (_, terms, ask) => {
    expect(askOf(terms, digest)).toEqual(ask === undefined ? undefined : { digest, ...ask })
  })
})

/** Verifies: CAP-R64 */
describe('a resource of the kind approval', () => {
  const grant = '01890000-0000-7000-8000-000000000000' as GrantId
  const base = { kind: 'approval', grant, actions: ['a'] }
  const places = (n: number): object[] => Array.from({ length: n }, (_, i) => ({ path: `${i}` }))
  const hashes = (n: number): Hash[] =>
    Array.from({ length: n }, (_, i) => String(i).padStart(64, '0') as Hash)
  const actions = (n: number): string[] => Array.from({ length: n }, (_, i) => `a${i}`)

  it.each<[string, object]>([
    ['64 actions', { actions: actions(64) }],
    ['64 resources', { resources: places(64) }],
    ['64 digests', { arguments: hashes(64) }],
  ])('may name %s', (_, over) => {
    expect(approvalKind.checkResource({ ...base, ...over } as Resource)).toBeUndefined()
  })

  it.each<[string, object]>([
    ['65 actions', { actions: actions(65) }],
    ['an action that is none', { actions: ['a', 'a b'] }],
    ['65 resources', { resources: places(65) }],
    ['a resource that is none', { resources: [{}, 'x'] }],
    ['resources that are no list', { resources: { length: 1, every: 1 } }],
    ['65 digests', { arguments: hashes(65) }],
    ['a digest that is none', { arguments: [...hashes(1), 'x'] }],
  ])('does not name %s', (_, over) => {
    expect(approvalKind.checkResource({ ...base, ...over } as Resource)).toBeTypeOf('string')
  })

  it('is narrowed in its digests, too', () => {
    const [one, other] = hashes(2)
    const held = { ...base, arguments: [one] } as Resource
    expect(approvalKind.exceeds(held, { ...base, arguments: [one] } as Resource)).toBeUndefined()
    for (const over of [{ arguments: [one, other] }, { arguments: [other] }, {}]) {
      expect(approvalKind.exceeds(held, { ...base, ...over } as Resource)).toBe(
        'it holds other arguments',
      )
    }
    expect(approvalKind.exceeds(base as Resource, held)).toBeUndefined()
  })

  it('refuses a claim that leaves out what it is about', () => {
    const claim = { grants: [grant], action: 'a', resource: {}, argumentsDigest: 'x' }
    const refuses = (resource: object, asked: object) =>
      approvalKind.refuses({ ...base, ...resource } as Resource, APPROVE_ACTION, asked as never)
    expect(approvalKind.refuses(base as Resource, 'fs.read', claim)).toContain('it is about')
    expect(refuses({}, claim)).toBeUndefined()
    const { resource: _, ...unplaced } = claim
    expect(refuses({ resources: [{}] }, unplaced)).toContain('something else')
    expect(refuses({ resources: [{}] }, claim)).toBeUndefined()
    const { argumentsDigest: __, ...undigested } = claim
    expect(refuses({ arguments: hashes(1) }, undigested)).toContain('other arguments')
    expect(refuses({}, { ...claim, grants: grant })).toContain('calls under the grant')
  })
})
