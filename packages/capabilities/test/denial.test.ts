/** A denial of everything at once fits into an event, whatever strangers wrote into its parts. */
import { canonicalize, type EventId, type JsonValue, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { denialOf, type FoundCause } from '../src/denial.ts'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import { DENIAL_PRECEDENCE, decide, fsKind, describe as render } from '../src/index.ts'
import { APPROVERS_MAX, CHAIN_LINKS_MAX, DENIAL_BYTES_MAX } from '../src/limits.ts'
import type { Caveat, Ceiling, Denial, Grant } from '../src/ports.ts'
import { expectRecordable } from './recordable.ts'
import { at, fsRoot, World } from './world.ts'

/** Text that is long, escaped, steering or wide, once it is shown. */
const HOSTILE = ['\u0000', '\u202e', '\ud800', '"', '\\', 'ü', '𝄞', '\u001b[2J'] as const
const long = (text: string, chars = 4_096): string =>
  text.repeat(chars).slice(0, chars).toWellFormed()

/** Every limit there is room for, at its bound. */
const LIMITS: readonly Caveat[] = [
  { kind: 'count', max: 1 },
  { kind: 'rate', max: 1, windowMs: 31_622_400_000 },
  ...['tokens', 'bytes', 'ms', 'money/EUR', 'money/USD', 'money/XXX'].map(
    (unit) => ({ kind: 'budget', unit, max: 1_000_000_000_000_000 }) as Caveat,
  ),
]

function stopAll(world: World, reason: string): void {
  for (const scope of ['all', `run/${world.run}`, 'agent/a', 'session/s', 'operator/os:eve']) {
    world.record(`stop/${scope}`, 'AuthorityStopped', { scope, reason })
  }
}

/** A world in which every link is wrong in every way that stands beside the others. */
function worst(given: string): Denial {
  // A log holds well-formed text only; a request and a ceiling hold what they like.
  const text = given.toWellFormed()
  const label = long(text, 256).toWellFormed()
  const ceiling: Ceiling = {
    ...{ name: label.slice(0, 128), version: label.slice(0, 64) },
    ...{ digest: 'a'.repeat(64) as Ceiling['digest'], judge: () => null as never },
  }
  const world = new World([fsKind], 100, ceiling)
  const adopted = { name: label, version: label, digest: 'b'.repeat(64), previous: null }
  world.record('policy/ceiling', 'PolicyAdopted', adopted)
  const pointers = ['', ...Array.from({ length: 31 }, (_, i) => `/${i}${label}`)]
  const principals = Array.from({ length: APPROVERS_MAX }, (_, i) => `os:${i}`.padEnd(128, 'x'))
  const schema = {
    type: 'string',
    const: label,
    enum: [label, 1],
    required: [label, `${label}2`],
    properties: { [label]: { const: label } },
    additionalProperties: false,
  }
  const caveats = [
    ...[{ kind: long(text) }, { kind: 'same-run', run: world.otherRun }],
    { kind: 'time-window', days: [0, 1, 2, 3, 5, 6], from: 600, to: 700 },
    { kind: 'arguments', schema },
    { kind: 'trusted', paths: pointers },
    { kind: 'readers', paths: pointers, include: principals.slice(0, 64) },
    { kind: 'approval', by: principals, timeoutMs: 1 },
  ] as unknown as readonly Caveat[]
  let parent: Grant['id'] | null = null
  const all: Grant['id'][] = []
  for (let i = 0; i < CHAIN_LINKS_MAX; i += 1) {
    parent = world.grant({
      parent,
      holder: `principal/${'x'.repeat(128)}`,
      actions: Array.from({ length: 64 }, (_, n) => `${n}`.padEnd(128, 'x')),
      resource: i % 2 === 0 ? fsRoot('/repo', 'ü'.repeat(127)) : { kind: long(text, 256) },
      // Nine limited links are one too many, so that the chain is broken as well.
      caveats: i < CHAIN_LINKS_MAX - 9 ? caveats : [...caveats, ...LIMITS],
      notBefore: at(9_000),
      expiresAt: at(1),
      delegable: CHAIN_LINKS_MAX - 1 - i,
    })
    all.push(parent)
  }
  for (const id of all) {
    for (const limit of ['uses', 'tokens']) {
      world.record(`budget/${id}`, long(text, 64), { grant: id, unit: limit })
    }
    world.revoke(id)
  }
  const party = { agent: 'a', session: 's', principal: 'os:eve' }
  stopAll(world, long(text))
  const args = { [label]: label, [`${label}1`]: [label] } as JsonValue
  const digest = sha256Hex(canonicalize(args))
  const sources = Array.from({ length: 64 }, (_, i) => `net:${i}.`.padEnd(255, 'x'))
  const request = world.request(parent as Grant['id'], {
    ...party,
    ...{ action: 'y'.repeat(128), resource: { path: long(text).toWellFormed() } },
    ...{ arguments: args, argumentsDigest: digest },
    labels: { '': { sources, readers: ['os:eve'] } } as never,
    purse: [{ grant: parent as Grant['id'], unit: 'uses', amount: 2 }],
    standing: world.ids.nextGrantId(),
  })
  const event = `run/${world.run}@7` as EventId
  const approved = { digest: request.callDigest, event, by: 'os:eve', askedAt: at(0) }
  const decision = decide(world.state, { ...request, approved })
  if (!('denied' in decision)) throw new TypeError('allowed')
  return decision.denied
}

/** Verifies: CAP-R21, CAP-R03 */
describe('a denial with every cause at once', () => {
  it.each(HOSTILE)('is recordable when strangers wrote %j', (text) => {
    const denial = worst(text)
    expectRecordable(denial)
    const alone: readonly string[] = [C.grantNotFound]
    expect(denial.causes.map(({ code }) => code)).toEqual(
      DENIAL_PRECEDENCE.filter((code) => !alone.includes(code)),
    )
  })
})

/** Verifies: CAP-R21, CAP-R03 */
describe('a denial that does not fit', () => {
  /** So many codes at two links each, with so much in the message and the data of each. */
  const found = (codes: number, message: number, data: number): readonly FoundCause[] =>
    DENIAL_PRECEDENCE.slice(0, codes).flatMap((code) =>
      [1, 2].map((link) => ({
        ...{ code, message: 'x'.repeat(message), data: { link, text: 'y'.repeat(data) } },
      })),
    )
  const tellings = (causes: readonly FoundCause[]): object => {
    const denial = denialOf(causes)
    expectRecordable(denial)
    expect(denial.causes).toHaveLength(causes.length / 2)
    const [first] = denial.causes
    return {
      links: 1 + (first?.causes.length ?? 0),
      more: first?.data['more'],
      chars: first?.message.length,
      link: first?.data['link'],
    }
  }

  it.each<[string, readonly FoundCause[], object]>([
    ['everything, where it fits', found(2, 900, 10), { links: 2, chars: 768, link: 1 }],
    ['the nearest link alone', found(20, 900, 10), { links: 1, more: 1, chars: 768, link: 1 }],
    ['in few words', found(20, 900, 800), { links: 1, more: 1, chars: 128, link: 1 }],
    ['without its data', found(20, 900, 2_000), { links: 1, chars: 128 }],
  ])('tells of each cause %s', (_, causes, telling) => {
    expect(tellings(causes)).toEqual({ more: undefined, link: undefined, ...telling })
  })

  it('is told whole up to the last byte there is room for, and not beyond', () => {
    const [one, two] = [DENIAL_PRECEDENCE[0], DENIAL_PRECEDENCE[1]] as const
    const of = (chars: number): Denial =>
      denialOf([
        { code: one as FoundCause['code'], message: 'a', data: {} },
        { code: two as FoundCause['code'], message: 'b', data: { text: 'x'.repeat(chars) } },
      ])
    const bytes = (denial: Denial): number => Buffer.byteLength(JSON.stringify(denial))
    const room = DENIAL_BYTES_MAX - bytes(of(0))
    expect(bytes(of(room))).toBe(DENIAL_BYTES_MAX)
    expect(of(room).causes[1]?.data['text']).toHaveLength(room)
    expect(of(room + 1).causes.map(({ code, data }) => [code, data])).toEqual([
      [one, {}],
      [two, {}],
    ])
  })

  it('is none without a cause', () => {
    expect(() => denialOf([])).toThrow('a denial has a cause')
  })
})

/** Verifies: CAP-R21 */
describe('a denial that is rendered', () => {
  it('is one line for one cause, with what stands behind it below', () => {
    const leaf = { code: 'C', message: 'm', data: {}, causes: [] }
    expect(render({ ...leaf, causes: [leaf] } as unknown as Denial)).toBe('denied: m [C]')
    const behind = { ...leaf, causes: [{ ...leaf, message: 'n' }] }
    const rendered = render({ ...leaf, causes: [behind] } as unknown as Denial)
    expect(rendered).toBe('denied: m [C]\n- n [C]')
    const other = { ...leaf, message: 'o' }
    expect(render({ ...other, causes: [leaf] } as unknown as Denial)).toBe('denied: m [C]')
    expect(render({} as unknown as Denial)).toBe('denied: ? [?]')
  })
})
