/** What a program holds and does not see. */
import { canonicalize, type JsonObject, type JsonValue, sha256Hex } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filled } from '../src/contents.ts'
import { memoryOwnership } from '../src/index.ts'
import { giveOutcome, noLabels } from '../src/labels.ts'
import type { Program, Reference, RunContext } from '../src/ports.ts'
import { References } from '../src/references.ts'
import { any, program, tool, world } from './harness.ts'
import {
  carryOut,
  committed,
  dataOf,
  effects,
  fetching,
  intentsOf,
  needs,
  STRANGER,
  sending,
  TEXT,
  TRUSTED,
  untrustedRecipients,
} from './labels-kit.ts'

/** Verifies: RUN-R62 */
describe('a reference', () => {
  test('stands for what the program does not see, and brings in nothing', async () => {
    const { sent, stretch, intents, alice, id } = await carryOut(async (ctx) => {
      const text = await ctx.hold('read', fetching)
      // What came of it may repeat what was sent, so it is held too.
      await ctx.hold('send', sending('bob', { quote: [text] }))
      return JSON.stringify(text)
    })
    expect(stretch).toEqual(committed('{"$ref":"read"}'))
    expect(sent).toEqual([{ to: 'bob', body: { quote: [TEXT] } }])
    const value = sha256Hex(canonicalize(TEXT))
    expect(intents[0]).toMatchObject({ effect: 'read', held: true })
    expect(intents[1]).toMatchObject({
      labels: { '': TRUSTED, '/body/quote/0': STRANGER },
      arguments: { inline: { to: 'bob', body: { quote: [{ $ref: 'read', value }] } } },
    })
    expect((await alice.runs.view(id)).label).toEqual(TRUSTED)
    expect(await alice.runs.labels(id)).toEqual([
      { step: 'read', digest: value, label: STRANGER, held: true },
      { step: 'send', digest: sha256Hex('"sent"'), label: STRANGER, held: true },
    ])
  })

  test('is refused where what it stands for may not go', async () => {
    const { sent, stretch } = await carryOut(async (ctx) => {
      const to = await ctx.hold('read', fetching)
      const outcome = await ctx.attempt('send', sending(to))
      return outcome.kind === 'denied' && outcome.denial.code
    })
    expect(sent).toEqual([])
    expect(stretch).toEqual(committed('ICE_CAPABILITIES_ARGUMENT_UNTRUSTED'))
  })

  test('is revealed once it is asked for, and counts from then on', async () => {
    const { stretch, alice, id } = await carryOut(async (ctx) => {
      const text = await ctx.hold('read', fetching)
      const before = (await ctx.attempt('before', sending('bob'))).kind
      const seen = await ctx.reveal<unknown>('look', text)
      const after = (await ctx.attempt('after', sending('bob'))).kind
      return { before, seen, after }
    })
    expect(stretch).toEqual(committed({ before: 'succeeded', seen: TEXT, after: 'denied' }))
    expect(await alice.types(id)).toContain('ValueRevealed')
    expect((await alice.runs.view(id)).label).toEqual(STRANGER)
  })

  const foreign = { $ref: 'read' }
  test.each<[string, (ref: Reference<unknown>) => unknown, string]>([
    ['written by hand', () => ({ $ref: 'read' }), '/body/0'],
    ['copied', (ref) => ({ ...ref }), '/body/0'],
    ['out of a text', (ref) => JSON.parse(JSON.stringify(ref)), '/body/0'],
    ['unknown', () => ({ $ref: 'constructor' }), '/body/0'],
    ['no text', () => ({ $ref: 7 }), '/body/0'],
    ['of another run', () => foreign, '/body/0'],
    ['within other data', (ref) => ({ ref, $ref: '#/definitions/a' }), '/body/0'],
    ['as it is recorded', () => ({ $ref: 'read', value: 'f'.repeat(64) }), '/body/0'],
  ])('%s is refused, with its place', async (_, forge, at) => {
    const { stretch, sent } = await carryOut(async (ctx) => {
      const ref = await ctx.hold('read', fetching)
      const outcome = await ctx.attempt('send', sending('bob', [forge(ref)]))
      return outcome.kind === 'denied' ? outcome.denial : outcome.kind
    })
    const { value } = (stretch as { result: { value: JsonObject } }).result
    expect(value['code']).toBe('ICE_RUNS_REFERENCE_DENIED')
    expect(value['message']).toContain(`"${at}"`)
    expect(sent).toEqual([])
  })

  test('to a part stands for what is at that pointer', async () => {
    const fetch = {
      ...tool('fetch', 'observe', () => ({ a: ['x', { b: TEXT }] })),
      source: () => 'net:x',
    }
    const sent: JsonObject[] = []
    const alice = await world({ effects: [fetch, ...effects(sent).slice(1)] })
    const work = program(async (ctx) => {
      const whole = await ctx.hold('read', fetching)
      const list = ctx.part(whole, '/a')
      const text = ctx.part(list, '/1/b')
      await ctx.hold('send', sending('bob', [text]))
      const none = await ctx.attempt('none', sending('bob', ctx.part(whole, '/constructor')))
      const deep = () => ctx.part(whole, 'a')
      expect(deep).toThrow(expect.objectContaining({ code: 'ICE_RUNS_REFERENCE_DENIED' }))
      expect(() => ctx.part({ $ref: 'read' }, '/a')).toThrow(/no reference of this run/)
      return {
        shown: text,
        none: none.kind === 'denied' && none.denial.code,
        text: await ctx.reveal<unknown>('look', text),
        nothing: await ctx.reveal('look again', ctx.part(text, '/deeper')),
      }
    })
    const { run, stretch } = await alice.runs.execute(
      program(async (ctx, input) => {
        const { shown, ...rest } = (await work.run(ctx, input)) as { shown: object }
        return { ...rest, shown: JSON.stringify(shown) }
      }),
      {},
      { grants: needs() },
    )
    expect(stretch).toEqual(
      committed({
        none: 'ICE_RUNS_REFERENCE_DENIED',
        text: TEXT,
        nothing: null,
        shown: '{"$ref":"read","at":"/a/1/b"}',
      }),
    )
    expect(sent).toEqual([{ to: 'bob', body: [TEXT] }])
    const value = sha256Hex(canonicalize({ a: ['x', { b: TEXT }] }))
    expect((await intentsOf(alice, run))[1]).toMatchObject({
      arguments: { inline: { body: [{ $ref: 'read', at: '/a/1/b', value }] } },
      labels: { '': TRUSTED, '/body/0': { sources: ['net:x'], readers: null } },
    })
  })

  test('counts, when a refusal has told something of its content', async () => {
    const { stretch, alice, id } = await carryOut(async (ctx) => {
      const to = await ctx.hold('read', fetching)
      await ctx.attempt('refused', sending(to))
      return (await ctx.attempt('after', sending('bob'))).kind
    })
    expect(stretch).toEqual(committed('denied'))
    expect((await alice.runs.view(id)).label).toEqual(STRANGER)
  })

  test('cannot be what a program returns, nor stand in it', async () => {
    const { stretch } = await carryOut(async (ctx) => ({ text: await ctx.hold('read', fetching) }))
    expect(stretch).toMatchObject({
      result: { conclusion: 'aborted', reason: expect.stringMatching(/reveal it first/) },
    })
  })

  test('that is forged cannot be revealed, proposed or asked about', async () => {
    const { stretch } = await carryOut(async (ctx) => {
      const forged = { $ref: 'read' }
      const codes: unknown[] = []
      const note = (error: { code: string }) => codes.push(error.code)
      await ctx.reveal('a', forged).catch(note)
      await ctx.propose('b', { agent: 'a', content: forged, reason: 'r' }).catch(note)
      await ctx.approval('c', { prompt: 'p', details: { forged } }).catch(note)
      return codes
    })
    expect(stretch).toEqual(committed(Array(3).fill('ICE_RUNS_REFERENCE_DENIED')))
  })

  test('of a failure does not come about, and what failed counts', async () => {
    const { stretch } = await carryOut(async (ctx) => {
      const grants = ctx.hold('odd', { action: 'odd', grant: 'out', arguments: {} })
      const code = await grants.catch((error: { code: string }) => error.code)
      return { code, after: (await ctx.attempt('after', sending('bob'))).kind }
    })
    expect(stretch).toEqual(committed({ code: 'ICE_RUNS_EFFECT_DENIED', after: 'succeeded' }))
  })

  test('a step cannot take the name of the input', async () => {
    const { stretch } = await carryOut(async (ctx) => {
      const note = (error: { code: string }) => error.code
      return [
        await ctx.effect('$input', fetching).catch(note),
        await ctx.scope('$input').effect('a', fetching).catch(note),
      ]
    })
    expect(stretch).toEqual(committed(Array(2).fill('ICE_RUNS_STEP_CONFLICT')))
  })
})

/** Verifies: RUN-R63 */
describe('an approval of a call with a reference', () => {
  const grants = needs([{ kind: 'approval' }])

  test('shows what it stands for, and is bound to it', async () => {
    const alice = await world({ effects: effects() })
    const work = program(async (ctx) => {
      const text = await ctx.hold('read', fetching)
      return ctx.effect('send', sending('bob', text))
    })
    const { run } = await alice.runs.execute(work, {}, { grants })
    const asked = (await alice.events(run)).find(({ type }) => type === 'ApprovalRequested')
    expect(dataOf(asked)['details']).toEqual({
      inline: {
        action: 'send',
        resource: { name: 'send' },
        arguments: { to: 'bob', body: { $ref: 'read', value: sha256Hex(canonicalize(TEXT)) } },
        argumentsDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
        references: [
          {
            at: '/body',
            reference: 'read',
            content: JSON.stringify(TEXT),
            sources: ['net:mallory.example'],
            readers: null,
          },
        ],
      },
    })
    await alice.runs.answer(run, { step: 'send', approved: true })
    expect(await alice.runs.drive(run)).toEqual(committed('sent'))
  })

  test('is not for the same words as data, nor for another content of the same name', async () => {
    const digests: unknown[] = []
    for (const text of ['one', 'two']) {
      const fetch = { ...tool('fetch', 'observe', () => text), source: () => 'net:x' }
      const alice = await world({ effects: [fetch, tool('send')] })
      const work = program(async (ctx) => {
        return ctx.effect('send', sending('bob', await ctx.hold('read', fetching)))
      })
      const { run } = await alice.runs.execute(work, {}, { grants: needs() })
      digests.push((await intentsOf(alice, run))[1]?.['argumentsDigest'])
    }
    expect(new Set(digests).size).toBe(2)
  })
})

/** Verifies: RUN-R64 */
describe('a reference outlives its process', () => {
  const work: Program = program(async (ctx) => {
    const text = await ctx.hold('read', fetching)
    const { approved } = await ctx.approval('may I', { prompt: 'send it?', details: { text } })
    const sent = await ctx.effect('send', sending('bob', text))
    const seen = await ctx.reveal<unknown>('look', text)
    const { approved: again } = await ctx.approval('and again', { prompt: 'again?' })
    return { approved, sent, seen, again, after: (await ctx.attempt('leak', sending('bob'))).kind }
  })

  test('held, revealed and refused alike wherever the run goes on', async () => {
    const owners = memoryOwnership()
    const sent: JsonObject[] = []
    const alice = await world({ effects: effects(sent), owners })
    const { run } = await alice.runs.execute(work, {}, { grants: untrustedRecipients })
    const question = (await alice.events(run)).find(({ type }) => type === 'ApprovalRequested')
    expect(dataOf(question)['details']).toMatchObject({
      inline: { references: [{ at: '/text', content: JSON.stringify(TEXT) }] },
    })
    const bob = await alice.another('bob', { effects: effects(sent), programs: [work] })
    await bob.runs.answer(run, { step: 'may I', approved: true })
    await bob.runs.drive(run)
    const carol = await alice.another('carol', { effects: effects(sent), programs: [work] })
    await carol.runs.answer(run, { step: 'and again', approved: true })
    const end = await carol.runs.drive(run)
    const value = { approved: true, sent: 'sent', seen: TEXT, again: true, after: 'denied' }
    expect(end).toEqual(committed(value))
    expect(sent).toEqual([{ to: 'bob', body: TEXT }])
  })

  test('and a program that reads what its record only holds is another program', async () => {
    const alice = await world({ effects: effects() })
    const { run } = await alice.runs.execute(work, {}, { grants: untrustedRecipients })
    const other = program(async (ctx) => {
      const text = await ctx.effect('read', fetching)
      return ctx.approval('may I', { prompt: 'send it?', details: { text } as never })
    })
    const bob = await alice.another('bob', { effects: effects(), programs: [other] })
    const error = { code: 'ICE_RUNS_DIVERGED_CONFLICT' }
    expect(await bob.runs.drive(run)).toMatchObject({ kind: 'quarantined', quarantine: { error } })
  })
})

/** Verifies: RUN-R65 */
describe('an input of which part is not the user’s own', () => {
  const input = { task: 'sum it up', document: TEXT }
  const labels = { '': TRUSTED, '/document': { sources: ['mail:mallory'], readers: null } }

  test('is as untrusted as its worst part, if the program is given all of it', async () => {
    const run = async (ctx: RunContext) => (await ctx.attempt('send', sending('bob'))).kind
    const { stretch, alice, id } = await carryOut(run, untrustedRecipients, {
      input,
      options: { labels },
    })
    expect(stretch).toEqual(committed('denied'))
    expect((await alice.runs.view(id)).label.sources).toEqual(['mail:mallory'])
  })

  test('is as trusted as the rest, if that part is held', async () => {
    const { sent, stretch, alice, id } = await carryOut(
      async (ctx, given) => {
        const { task, document } = given as { task: string; document: Reference<string> }
        await ctx.effect('send', sending('bob', document))
        const { kind } = await ctx.attempt('leak', sending(document))
        return { task, kind, seen: await ctx.reveal('look', document) }
      },
      untrustedRecipients,
      { input, options: { labels, hold: ['/document'] } },
    )
    expect(stretch).toEqual(committed({ task: 'sum it up', kind: 'denied', seen: TEXT }))
    expect(sent).toEqual([{ to: 'bob', body: TEXT }])
    const [created] = await alice.events(id)
    expect(JSON.stringify(created?.data)).not.toContain('Ignore')
  })

  test('is one input under one key, by the content that is held', async () => {
    const alice = await world({ effects: effects() })
    const work = program(async () => 'done')
    const start = (document: string) =>
      alice.runs.start(work, { document }, { key: 'k', hold: ['/document'] })
    const first = await start('a')
    expect(await start('a')).toBe(first)
    await expect(start('b')).rejects.toMatchObject({ code: 'ICE_RUNS_KEY_CONFLICT' })
  })

  test.each<[string, object]>([
    ['a part that is not there', { hold: ['/other'] }],
    ['the whole', { hold: [''] }],
    ['no pointer', { hold: ['document'] }],
    ['a part of a part', { hold: ['/document', '/document/0'] }],
    ['a part twice', { hold: ['/document', '/document'] }],
    ['labels that are none', { labels: { '': 'trusted' } }],
    ['labels without pointers', { labels: { document: TRUSTED } }],
  ])('is refused with %s', async (_, options) => {
    const alice = await world({ effects: effects() })
    const start = alice.runs.start(
      program(async () => 1),
      { document: ['a'] },
      options,
    )
    await expect(start).rejects.toMatchObject({ code: 'ICE_RUNS_INPUT_UNSUPPORTED' })
  })

  test('is refused by a program that takes no reference there', async () => {
    const alice = await world({ effects: effects() })
    const parse = (value: unknown) => {
      if (typeof (value as { document: unknown }).document !== 'string') throw new Error('no text')
      return value
    }
    const work = program(async () => 1, { input: { parse }, output: any })
    const start = alice.runs.start(work, { document: 'a' }, { hold: ['/document'] })
    await expect(start).rejects.toMatchObject({ code: 'ICE_RUNS_INPUT_UNSUPPORTED' })
  })
})

/** Verifies: RUN-R62, RUN-R63 */
describe('whatever stands around references', () => {
  // What no value is (an integer beyond 2^53, a lone surrogate) is refused before it is an outcome.
  const values = fc.jsonValue().filter((value) => {
    try {
      return canonicalize(value) !== ''
    } catch {
      return false
    }
  })
  const contents = fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), values)
  const around = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('ref:a', 'ref:b', 'text', 7, null),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 3 }), tie('node'), { maxKeys: 3 }),
    ),
  })).node

  test('is recorded with their digests, and filled with their contents', async () => {
    await fc.assert(
      fc.asyncProperty(contents, around, async (known, shape) => {
        const labels = noLabels()
        const references = new References()
        const issued = new Map<unknown, unknown>()
        for (const id of ['a', 'b']) {
          const value = (Object.hasOwn(known, id) ? known[id] : id) as JsonValue
          const data = { effect: id, result: { inline: value }, label: TRUSTED }
          giveOutcome(labels, { version: 1, data } as never, true)
          issued.set(`ref:${id}`, references.issue(id, labels.held.get(id)?.digest as never))
          issued.set(`value:${id}`, value)
        }
        const replaced = (by: string, node: unknown): unknown => {
          if (typeof node === 'string' && node.startsWith('ref:')) {
            return issued.get(node.replace('ref', by))
          }
          if (Array.isArray(node)) return node.map((item) => replaced(by, item))
          if (typeof node !== 'object' || node === null) return node
          const members = Object.entries(node)
          return Object.fromEntries(members.map(([name, item]) => [name, replaced(by, item)]))
        }
        const bound = references.bind(replaced('ref', shape))
        expect(bound.stray).toBe(null)
        const blobs = undefined as never
        const whole = await filled(bound.value, bound.references, { labels, blobs })
        expect(canonicalize(whole)).toBe(canonicalize(replaced('value', shape)))
        // The same, written out, is refused wherever a reference stood.
        const again = new References().bind(bound.value)
        expect(again.references).toEqual([])
        expect(again.stray === null).toBe(bound.references.length === 0)
      }),
    )
  })
})
