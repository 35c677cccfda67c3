/** Verifies: EVT-R03, EVT-R04, EVT-R66 */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { EVENTS_CODES } from '../src/errors.ts'
import { defineEventType, type EventTypeInit } from '../src/event-type.ts'
import type { Category, NewEvent, Origin } from '../src/ports.ts'
import { composeTaxonomy, digestOf } from '../src/taxonomy.ts'
import { standardTypes } from '../src/types/index.ts'
import { codeOf, memoryRoom, toStream, withCode } from './fixtures.ts'

const taxonomy = composeTaxonomy([...standardTypes])

/** RFC-ICE-007: its 35 types, in its order. */
const RFC_ICE_007: Readonly<Record<Category, readonly string[]>> = {
  runtime: [
    'RunProvisioned',
    'ResourcesAllocated',
    'ContextResolved',
    'MemoryMounted',
    'CapabilitiesBound',
    'ValidationStarted',
    'ValidationPassed',
    'ValidationFailed',
    'RunCommitted',
    'RunAborted',
    'AbortReasonDeclared',
    'ResourcesReleased',
    'RunTerminated',
  ],
  cognitive: [
    'InferenceStep',
    'DecisionProposed',
    'HypothesisGenerated',
    'UncertaintyDeclared',
    'PlanStepProposed',
  ],
  domain: [
    'FileRead',
    'FileWritten',
    'TaskStarted',
    'TaskCompleted',
    'APIRequestExecuted',
    'UserNotificationSent',
    'WorkflowAdvanced',
  ],
  memory: [
    'MemoryPromoted',
    'MemoryExpired',
    'MemoryDeprecated',
    'MemorySuperseded',
    'MemoryInvalidated',
  ],
  capability: [
    'CapabilityRequested',
    'CapabilityGranted',
    'CapabilityUsed',
    'CapabilityRevoked',
    'CapabilityExpired',
  ],
}

const agents = new Set([...RFC_ICE_007.cognitive, 'CapabilityRequested'])

describe('the standard types', () => {
  const kept = Object.entries(RFC_ICE_007).flatMap(([category, types]) =>
    types.map((type) => [type, category] as const),
  )

  test('keep the names, categories and origins of the 35 of RFC-ICE-007', () => {
    expect(kept.length).toBe(35)
    for (const [type, category] of kept) {
      const described = taxonomy.describe(type)
      expect([type, described?.category, described?.origins]).toEqual([
        type,
        category,
        [agents.has(type) ? 'agent' : 'runtime'],
      ])
    }
  })

  test('say of every added type that it was added, and of no other', () => {
    const names = new Set(kept.map(([type]) => type))
    const marked = taxonomy
      .describeAll()
      .filter(({ description }) => description.endsWith('(added)'))
      .map(({ type }) => type)
    expect(marked).toEqual(taxonomy.types.filter((type) => !names.has(type)))
  })

  test('have schemas that compile: each refuses text with a code', () => {
    for (const declared of standardTypes) {
      expect(() => declared.encode('text')).toThrow(`${declared.type}: the payload`)
    }
  })

  test('have the digest that was checked in', () => {
    // Written anew with `ICE_UPDATE_FIXTURES=1`: a changed digest is a new taxonomy for every log.
    const file = new URL('./fixtures/taxonomy-digest.json', import.meta.url)
    const digest = digestOf(taxonomy.describeAll())
    // Known without being computed: what is compared here is what every start relies on.
    expect(taxonomy.digest).toBe(digest)
    const text = `${JSON.stringify({ digest, types: taxonomy.types }, null, 2)}\n`
    if (process.env['ICE_UPDATE_FIXTURES'] === '1') writeFileSync(file, text)
    expect(text).toBe(readFileSync(file, 'utf8'))
  })
})

describe('the law of origins', () => {
  const origins = ['runtime', 'agent:a', 'agent:', 'engine', 'system', '']
  const matrix = taxonomy.types.flatMap((type) => origins.map((origin) => [type, origin] as const))

  test.each(matrix)('holds for %s from "%s"', async (type, origin) => {
    const { log, store } = memoryRoom(taxonomy)
    // No payload fits: an event that passes the law is refused at the next stage.
    const event: NewEvent = { type, data: 'no payload', origin: origin as Origin }
    const lawful = agents.has(type) ? 'agent:a' : 'runtime'
    const isOrigin = origin === 'runtime' || origin === 'agent:a'
    const expected = isOrigin
      ? origin === lawful
        ? EVENTS_CODES.payload
        : EVENTS_CODES.authority
      : EVENTS_CODES.structural
    expect(await codeOf(log.append(toStream('a', event)))).toBe(expected)
    expect(await store.head()).toEqual({ position: 0 })
  })

  test('is not widened by a declaration', () => {
    const payload = z.strictObject({})
    const declare = (init: Partial<EventTypeInit<typeof payload>>) => () =>
      defineEventType({
        type: 'SomethingHappened',
        category: 'domain',
        description: '',
        payload,
        ...init,
      })
    const wider = [
      declare({ origins: ['agent'] }),
      declare({ origins: ['runtime', 'agent'] }),
      declare({ origins: [] }),
      declare({ category: 'cognitive', origins: ['runtime'] }),
      declare({ category: 'capability', origins: ['agent'] }),
      declare({ category: 'other' as Category }),
      declare({ type: 'CapabilityRequested', category: 'domain', origins: ['agent'] }),
    ]
    for (const declaration of wider) {
      expect(declaration).toThrow(expect.toSatisfy(withCode(EVENTS_CODES.declaration)))
    }
    expect(declare({ type: 'CapabilityRequested', category: 'capability' })().origins).toEqual([
      'agent',
    ])
  })
})

describe('a taxonomy', () => {
  const A = defineEventType({
    type: 'Alpha',
    category: 'domain',
    description: 'a',
    payload: z.strictObject({ b: z.int(), a: z.int() }),
  })
  const B = defineEventType({
    type: 'Beta',
    category: 'domain',
    description: 'b',
    payload: z.null(),
  })

  test('is equal to another when its digest is, whatever the order of declaration', () => {
    expect(composeTaxonomy([A, B]).digest).toBe(composeTaxonomy([B, A]).digest)
    expect(composeTaxonomy([A]).digest).not.toBe(composeTaxonomy([B]).digest)
  })

  test('holds each name once and cannot be added to', () => {
    expect(() => composeTaxonomy([A, B, A])).toThrow('Alpha is declared twice')
    const composed = composeTaxonomy([A])
    expect(Object.isFrozen(composed) && Object.isFrozen(composed.types)).toBe(true)
    expect([composed.has('Alpha'), composed.has('Beta'), composed.has('toString')]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('is not changed through what it describes', () => {
    const composed = composeTaxonomy([A])
    const described = composed.describe('Alpha')
    expect(() => Object.assign(described?.payload ?? {}, { type: 'string' })).toThrow(TypeError)
    expect(composeTaxonomy([A]).digest).toBe(composed.digest)
  })
})

describe('a declaration', () => {
  const declare = (init: Partial<EventTypeInit<z.ZodType>>): (() => unknown) => {
    return () =>
      defineEventType({
        type: 'SomethingHappened',
        category: 'domain',
        description: '',
        payload: z.strictObject({ n: z.int() }),
        ...init,
      }).encode({})
  }
  const wrong: Record<string, Partial<EventTypeInit<z.ZodType>>> = {
    'a name in lower case': { type: 'somethingHappened' },
    'a name of two letters': { type: 'Ab' },
    'version 0': { schema: 0 },
    'version 1.5': { schema: 1.5 },
    'a version without its upcast': { schema: 2 },
    'an upcast too many': { upcasts: { 1: (data) => data } },
    'a refinement': { payload: z.strictObject({ n: z.int().refine((n) => n > 0) }) },
    'a transform': { payload: z.string().transform(Number) },
    'a trim': { payload: z.string().trim() },
    'a default': { payload: z.strictObject({ n: z.int().default(1) }) },
    'a catch': { payload: z.strictObject({ n: z.int().catch(1) }) },
    'a flag of a pattern': { payload: z.string().regex(/a/i) },
    'a format without a pattern': { payload: z.url() },
    'a loose object': { payload: z.looseObject({ n: z.int() }) },
    'a tuple': { payload: z.tuple([z.int()]) },
    'a multiple': { payload: z.int().multipleOf(2) },
    'two patterns': { payload: z.string().startsWith('a').endsWith('b') },
    'a date': { payload: z.date() },
    'a bigint': { payload: z.bigint() },
    'a record that names its keys': { payload: z.record(z.enum(['a', 'b']), z.int()) },
  }

  test.each(Object.entries(wrong))('is refused with %s', (_, init) => {
    expect(declare(init)).toThrow(expect.toSatisfy(withCode(EVENTS_CODES.declaration)))
  })
})
