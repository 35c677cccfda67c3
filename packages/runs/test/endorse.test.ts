/** What only a person does to a label. */
import { canonicalize, type JsonObject, type PrincipalId, sha256Hex } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import type { GrantSpec, Program } from '../src/ports.ts'
import { program, world } from './harness.ts'
import {
  committed,
  effects,
  fetching,
  needs,
  sending,
  TEXT,
  TRUSTED,
  untrustedRecipients,
} from './labels-kit.ts'

/** Verifies: RUN-R66 */
describe('a person who vouches for a value', () => {
  const alone = { principal: 'os:alice' as PrincipalId, reason: 'I have read it' }
  const work = program(async (ctx) => {
    const seen = await ctx.effect('read', fetching)
    const first = (await ctx.attempt('first', sending(seen))).kind
    await ctx.approval('may I', { prompt: 'did you look?' })
    return { first, second: (await ctx.attempt('second', sending(seen))).kind }
  })
  const begun = async (
    run: Program = work,
    grants: Record<string, GrantSpec> = untrustedRecipients,
  ) => {
    const sent: JsonObject[] = []
    const alice = await world({ effects: effects(sent) })
    const { run: id } = await alice.runs.execute(run, {}, { grants })
    return { alice, id, sent }
  }
  const source = 'net:mallory.example'

  test('makes it trusted for what is asked for afterwards', async () => {
    const { alice, id, sent } = await begun()
    await alice.runs.endorse(id, { step: 'read', sources: [source], ...alone })
    await alice.runs.answer(id, { step: 'may I', approved: true })
    const end = await alice.runs.drive(id)
    expect(end).toEqual(committed({ first: 'denied', second: 'succeeded' }))
    expect(sent).toEqual([{ to: TEXT, body: 'hello' }])
    const endorsed = (await alice.events(id)).find(({ type }) => type === 'ValueEndorsed')
    expect(endorsed).toMatchObject({
      principal: 'os:alice',
      data: { step: 'read', value: sha256Hex(canonicalize(TEXT)), sources: [source] },
    })
    expect((await alice.runs.view(id)).label).toEqual(TRUSTED)
  })

  test('changes nothing for a value that somebody else brought in too', async () => {
    const twice = program(async (ctx) => {
      await ctx.effect('read', fetching)
      await ctx.effect('other', fetching)
      await ctx.approval('may I', { prompt: 'did you look?' })
      return (await ctx.attempt('send', sending('bob'))).kind
    })
    const { alice, id } = await begun(twice)
    await alice.runs.endorse(id, { step: 'read', sources: [source], ...alone })
    await alice.runs.answer(id, { step: 'may I', approved: true })
    expect(await alice.runs.drive(id)).toEqual(committed('denied'))
  })

  test('reaches a step that waits, and what is held and revealed', async () => {
    const waits = program(async (ctx) => {
      const text = await ctx.hold('read', fetching)
      await ctx.reveal('look', text)
      const later = await ctx.approval('may I', { prompt: 'did you look?' })
      await ctx.effect('send', sending(text))
      return later.approved
    })
    const caveats = [{ kind: 'trusted', paths: ['/to'] }, { kind: 'approval' }] as const
    const { alice, id, sent } = await begun(waits, needs(caveats))
    await alice.runs.endorse(id, { step: 'read', sources: [source], ...alone })
    await alice.runs.answer(id, { step: 'may I', approved: true })
    expect(await alice.runs.drive(id)).toMatchObject({ kind: 'suspended' })
    await alice.runs.answer(id, { step: 'send', approved: true })
    expect(await alice.runs.drive(id)).toEqual(committed(true))
    expect(sent).toEqual([{ to: TEXT, body: 'hello' }])
  })

  test('is a person: an event that names none changes nothing', async () => {
    const { alice, id } = await begun()
    const stream = `run/${id}` as never
    const value = sha256Hex(canonicalize(TEXT))
    const data = { step: 'read', value, sources: [source], reason: 'none' }
    const events = [{ type: 'ValueEndorsed', data }]
    await alice.log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
    await alice.runs.answer(id, { step: 'may I', approved: true })
    expect(await alice.runs.drive(id)).toEqual(committed({ first: 'denied', second: 'denied' }))
  })

  test.each<[string, object, string]>([
    ['a step that gave nothing', { step: 'none' }, 'ICE_RUNS_STEP_NOT_FOUND'],
    ['a name that objects inherit', { step: 'constructor' }, 'ICE_RUNS_STEP_NOT_FOUND'],
    ['another value', { digest: 'f'.repeat(64) }, 'ICE_RUNS_STEP_CONFLICT'],
    ['a source it does not come from', { sources: ['fs:a'] }, 'ICE_RUNS_LABEL_CONFLICT'],
    ['no source', { sources: [] }, 'ICE_RUNS_LABEL_CONFLICT'],
    ['no reason', { reason: '' }, 'ICE_RUNS_LABEL_CONFLICT'],
  ])('is refused for %s', async (_, over, code) => {
    const { alice, id } = await begun()
    const asked = { step: 'read', sources: [source], ...alone, ...over }
    await expect(alice.runs.endorse(id, asked)).rejects.toMatchObject({ code })
    expect(await alice.types(id)).not.toContain('ValueEndorsed')
  })

  test('is refused once the run has ended', async () => {
    const { alice, id } = await begun(program(async (ctx) => ctx.effect('read', fetching)))
    const asked = alice.runs.endorse(id, { step: 'read', sources: [source], ...alone })
    await expect(asked).rejects.toMatchObject({ code: 'ICE_RUNS_CONCLUDED_CONFLICT' })
  })
})

/** Verifies: RUN-R66 */
describe('a person who lets more people read a value', () => {
  const alone = { principal: 'os:alice' as PrincipalId, reason: 'she asked' }
  const grants = needs([{ kind: 'readers', paths: ['/body'], include: ['os:bob'] }])
  const work = program(async (ctx) => {
    const first = (await ctx.attempt('first', sending('x'))).kind
    await ctx.approval('may I', { prompt: 'may she?' })
    return { first, second: (await ctx.attempt('second', sending('x'))).kind }
  })
  const begun = async () => {
    const alice = await world({ effects: effects() })
    const labels = { '': { sources: [], readers: ['os:alice'] } }
    const { run } = await alice.runs.execute(work, { our: 'prices' }, { grants, labels })
    return { alice, run }
  }

  test.each([[['os:bob']], [null]])('%j: for what is asked for afterwards', async (readers) => {
    const { alice, run } = await begun()
    await alice.runs.declassify(run, { step: '$input', readers, ...alone })
    await alice.runs.answer(run, { step: 'may I', approved: true })
    const end = await alice.runs.drive(run)
    expect(end).toEqual(committed({ first: 'denied', second: 'succeeded' }))
  })

  test.each<[string, readonly string[] | null]>([
    ['nobody', []],
    ['those who may already', ['os:alice']],
    ['more than a label holds', Array.from({ length: 64 }, (_, i) => `os:${i}`)],
  ])('is refused for %s', async (_, readers) => {
    const { alice, run } = await begun()
    const asked = alice.runs.declassify(run, { step: '$input', readers, ...alone })
    await expect(asked).rejects.toMatchObject({ code: 'ICE_RUNS_LABEL_CONFLICT' })
  })
})
