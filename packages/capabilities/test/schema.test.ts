/** The part of JSON Schema that arguments are held against: against cases, and against Ajv. */
import { createRequire } from 'node:module'
import type { JsonObject, JsonValue } from '@ice/primitives'
import type { Options, ValidateFunction } from 'ajv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SCHEMA_TYPES, schemaFault } from '../src/schema.ts'
import { mismatchesOf } from '../src/schema-match.ts'

const found = (schema: unknown, value: unknown): readonly string[] =>
  mismatchesOf(schema as JsonObject, value as JsonValue).map(
    ({ pointer, wanted }) => `${pointer}: ${wanted}`,
  )
const json = (text: string): unknown => JSON.parse(text)

/** Verifies: CAP-R100 */
describe('what fits a schema', () => {
  it.each<[JsonObject, unknown, unknown, string]>([
    [{ type: 'null' }, null, false, ': of the type null, not boolean'],
    [{ type: 'boolean' }, true, 1, ': of the type boolean, not number'],
    [{ type: 'object' }, {}, [], ': of the type object, not array'],
    [{ type: 'array' }, [], {}, ': of the type array, not object'],
    [{ type: 'number' }, 0.5, '0.5', ': of the type number, not string'],
    [{ type: 'integer' }, 1, 1.5, ': of the type integer, not number'],
    [{ type: 'integer' }, 1e300, null, ': of the type integer, not null'],
    [{ type: ['string', 'null'] }, null, 0, ': of the type string or null, not number'],
    [{ const: { a: [1, 'x'] } }, { a: [1, 'x'] }, { a: [1] }, ': exactly {"a":[1,"x"]}'],
    [{ const: null }, null, 0, ': exactly null'],
    [{ const: 0 }, -0, false, ': exactly 0'],
    [{ const: { a: 1, b: 2 } }, { b: 2, a: 1 }, { a: 1, c: 2 }, ': exactly {"a":1,"b":2}'],
    [{ const: [] }, [], {}, ': exactly []'],
    [{ const: [] }, [], { length: 0 }, ': exactly []'],
    [{ const: { length: 0 } }, { length: 0 }, [], ': exactly {"length":0}'],
    [{ const: {} }, {}, { a: 1 }, ': exactly {}'],
    [{ const: 'abc' }, 'abc', 'abd', ': exactly "abc"'],
    [{ enum: ['a', 1, null] }, 1, 'b', ': one of "a", 1, null'],
    [{ minimum: 1 }, 1, 0.9, ': at least 1'],
    [{ maximum: 1 }, 1, 1.1, ': at most 1'],
    [{ exclusiveMinimum: 1 }, 1.1, 1, ': more than 1'],
    [{ exclusiveMaximum: 1 }, 0.9, 1, ': less than 1'],
    [{ multipleOf: 3 }, -9, 10, ': a multiple of 3'],
    [{ multipleOf: 1 }, 1e300, 0.5, ': a multiple of 1'],
    [{ minLength: 2 }, 'ab', 'a', ': at least 2 characters, not 1'],
    [{ maxLength: 2 }, '👍👍', '👍👍x', ': at most 2 characters, not 3'],
    [{ minLength: 2 }, 'x👍', '👍', ': at least 2 characters, not 1'],
    [{ maxLength: 2 }, 'x👍', 'xx👍', ': at most 2 characters, not 3'],
    [{ minItems: 1 }, [0], [], ': at least 1 items, not 0'],
    [{ maxItems: 1 }, [0], [0, 0], ': at most 1 items, not 2'],
    [{ items: { type: 'null' } }, [null, null], [null, 0], '/1: of the type null, not number'],
    [{ prefixItems: [{ const: 1 }] }, [1, 2], [2], '/0: exactly 1'],
    [{ prefixItems: [true, { const: 1 }] }, [0], [0, 0], '/1: exactly 1'],
    [{ prefixItems: [true], items: false }, [1], [1, 2], '/1: nothing here'],
    [{ required: ['a'] }, { a: null }, {}, ': a member "a"'],
    [{ minProperties: 1 }, { a: 1 }, {}, ': at least 1 members, not 0'],
    [{ maxProperties: 1 }, { a: 1 }, { a: 1, b: 1 }, ': at most 1 members, not 2'],
    [{ properties: { a: { const: 1 } } }, { b: 2 }, { a: 2 }, '/a: exactly 1'],
    [
      { additionalProperties: false },
      {},
      { 'x/~': 1 },
      '/x~1~0: no such member; there may be none',
    ],
    [
      { properties: { a: true }, additionalProperties: false },
      { a: 1 },
      { b: 1 },
      '/b: no such member; there may be "a"',
    ],
    [{ additionalProperties: { const: 1 } }, { a: 1 }, { a: 2 }, '/a: exactly 1'],
    [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, 2, 3, ': at most 2'],
    [{ not: { const: 1 } }, 2, 1, ': anything but {"const":1}'],
    [{ not: false }, 2, undefined, ''],
    [
      { anyOf: [{ const: 1 }, { properties: { a: { const: 2 } }, required: ['a'] }] },
      { a: 2 },
      { a: 3 },
      ': one of these: exactly 1; or exactly 2 at /a',
    ],
  ])('%j holds for %j, and for %j says where it does not', (schema, good, bad, where) => {
    expect(schemaFault(schema)).toBeUndefined()
    expect(found(schema, good)).toEqual([])
    if (bad !== undefined) expect(found(schema, bad)).toEqual([where])
  })

  it('speaks of values of its own type alone, as JSON Schema does', () => {
    const schema = {
      ...{ required: ['a'], minItems: 1, minLength: 1, minimum: 1, multipleOf: 2 },
      ...{ minProperties: 1, additionalProperties: false, items: false },
    }
    expect(found(schema, true)).toEqual([])
    expect(found(schema, null)).toEqual([])
  })

  it('says where in turn, each place by its own pointer', () => {
    const rules = {
      additionalProperties: { items: { properties: {}, additionalProperties: false } },
    }
    const none = 'no such member; there may be none'
    expect(found(rules, { a: [{ x: 1, y: 2 }, {}, { z: 3 }], b: [{ w: 4 }] })).toEqual([
      ...[`/a/0/x: ${none}`, `/a/0/y: ${none}`, `/a/2/z: ${none}`, `/b/0/w: ${none}`],
    ])
  })

  it('says at most four places, clips what is long, and quotes no value', () => {
    const list = Array.from({ length: 9 }, () => 'secret')
    expect(found({ items: { const: 'x' } }, list)).toHaveLength(4)
    const three = { type: 'null', const: null, enum: [null] }
    expect(found({ items: three }, list)).toEqual([
      ...['/0: of the type null, not string', '/0: exactly null', '/0: one of null'],
      '/1: of the type null, not string',
    ])
    const long = 'n'.repeat(5_000)
    const [mismatch] = mismatchesOf({ additionalProperties: { const: long } }, { [long]: 'secret' })
    expect(mismatch?.pointer).toHaveLength(120)
    expect(mismatch?.wanted.length).toBeLessThan(140)
    const choices = Array.from({ length: 99 }, (_, i) => ({ const: i }))
    expect(found({ anyOf: choices }, 'secret')[0]?.length).toBeLessThan(400)
    expect(found({ enum: choices }, 'secret')[0]?.length).toBeLessThan(400)
  })

  it('knows only own names', () => {
    const names = ['constructor', '__proto__', 'toString', 'length']
    for (const name of names) {
      const member = json(`{"${name}":1}`)
      const schema = json(`{"type":"object","properties":{"${name}":{"const":1}},
        "required":["${name}"],"additionalProperties":false}`)
      expect(schemaFault(schema)).toBeUndefined()
      expect(found(schema, member)).toEqual([])
      expect(found(schema, {})).toEqual([`: a member "${name}"`])
      expect(found(schema, json(`{"${name}":2}`))).toEqual([`/${name}: exactly 1`])
      expect(found({ additionalProperties: false }, member)).toHaveLength(1)
      expect(found({ const: {} }, member)).toHaveLength(1)
      expect(found({ const: member }, {})).toHaveLength(1)
      expect(found({ const: member }, { x: 1 })).toHaveLength(1)
    }
  })
})

/** Verifies: CAP-R100, CAP-R02 */
describe('work on a schema', () => {
  it('ends: what is not judged to its end does not fit, also below "not" and "anyOf"', () => {
    const many = { allOf: Array.from({ length: 400 }, () => ({ items: { minimum: 0 } })) }
    const list = Array.from({ length: 16_000 }, () => 1)
    const tired = [': arguments and a schema that are compared in 1000000 steps']
    expect(found(many, list)).toEqual(tired)
    expect(found({ not: { allOf: [many, { const: 1 }] } }, list)).toEqual(tired)
    expect(found({ anyOf: [many, true] }, list)).toEqual(tired)
    expect(found(many, list.slice(0, 2_000))).toEqual([])
  })

  it('goes no further, however much more there would be', () => {
    const many = { allOf: Array.from({ length: 1_000 }, () => ({ items: true })) }
    expect(found(many, Array(250_000).fill(1))).toHaveLength(1)
    // Four places are enough to refuse: what comes after them is not compared.
    expect(found({ items: { const: 'x' } }, Array(600_000).fill('secret'))).toHaveLength(4)
  })

  it.each<[JsonValue, JsonValue, number]>([
    [true, 0, 1],
    [{}, 0, 1],
    [{ type: ['null', 'number'], minimum: 0 }, 0, 1],
    [{ const: 1 }, 1, 2],
    [{ const: [1, 'x'] }, [1, 'x'], 4],
    [{ const: [1, 2] }, [1], 2],
    [{ const: { a: 1, b: 2 } }, { b: 2, a: 1 }, 6],
    [{ enum: [1, 2, 3] }, 3, 4],
    [{ const: 'x'.repeat(64) }, 'x'.repeat(64), 4],
    [{ const: 'x'.repeat(64) }, 'x'.repeat(63), 2],
    [{ maxLength: 99 }, 'x'.repeat(64), 3],
    [{ minLength: 1 }, 'x'.repeat(95), 3],
    [{ items: true }, [0, 0], 3],
    [{ required: ['a', 'b'] }, { a: 1, b: 2 }, 5],
    [{ properties: { a: true } }, { a: 1, b: 2 }, 4],
    [{ additionalProperties: {} }, { a: 1 }, 3],
    [{ not: { const: 1 } }, 2, 3],
    [{ anyOf: [{ const: 1 }, true] }, 2, 4],
    [{ allOf: [true, true] }, 2, 3],
  ])('on %j and %j is so many steps of a million: %d', (schema, value, steps) => {
    // What is left of the million is spent on a text, of which 32 characters are a step.
    const isJudged = (left: number): boolean => {
      const text = 'x'.repeat(32 * left)
      const told = found({ prefixItems: [schema, { const: text }] }, [value, text])
      return !told.some((each) => each.includes('are compared in'))
    }
    const left = 1_000_000 - 1 - steps - 2
    expect([isJudged(left), isJudged(left + 1)]).toEqual([true, false])
  })

  it('judges what the last step is spent on', () => {
    const text = 'x'.repeat(32 * (1_000_000 - 1 - 2 - 1))
    const schema = { prefixItems: [{ const: text }, false] }
    expect(found(schema, [text, 0])).toEqual(['/1: nothing here'])
  })

  it('counts the length of texts, where they are measured or compared', () => {
    const text = 'x'.repeat(1_000_000)
    const measured = { allOf: Array.from({ length: 100 }, () => ({ maxLength: 2_000_000 })) }
    expect(found(measured, text)).toHaveLength(1)
    expect(found({ allOf: measured.allOf.slice(0, 20) }, text)).toEqual([])
    const compared = Array.from({ length: 100 }, () => text)
    expect(found({ items: { const: text } }, compared)).toHaveLength(1)
    expect(found({ items: { const: text } }, compared.slice(0, 20))).toEqual([])
  })
})

/** Verifies: CAP-R104 */
describe('a schema', () => {
  it.each<[unknown, string]>([
    [true, 'it is an object, not boolean'],
    [[], 'it is an object, not object'],
    [{ pattern: 'a' }, 'the keyword at "/pattern" is not decided here'],
    [{ format: 'uri' }, 'the keyword at "/format" is not decided here'],
    [{ $ref: '#' }, 'the keyword at "/$ref" is not decided here'],
    [{ oneOf: [] }, 'the keyword at "/oneOf" is not decided here'],
    [json('{"__proto__":{}}'), 'the keyword at "/__proto__" is not decided here'],
    [json('{"constructor":{}}'), 'the keyword at "/constructor" is not decided here'],
    [{ type: 'text' }, 'what stands at "/type" is not of null, boolean, object'],
    [{ type: [] }, '"/type" is not of'],
    [{ type: ['string', 'string'] }, '"/type" is not of'],
    [{ type: ['string', 7] }, '"/type" is not of'],
    [{ enum: [] }, '"/enum" is not a list of values, not empty'],
    [{ enum: {} }, '"/enum" is not a list of values, not empty'],
    [{ required: 'a' }, '"/required" is not a list of names, each once'],
    [{ required: ['a', 'a'] }, '"/required" is not a list of names, each once'],
    [{ required: [1] }, '"/required" is not a list of names, each once'],
    [{ minItems: -1 }, '"/minItems" is not a count'],
    [{ maxItems: 0.5 }, '"/maxItems" is not a count'],
    [{ minLength: '1' }, '"/minLength" is not a count'],
    [{ maxLength: null }, '"/maxLength" is not a count'],
    [{ minProperties: 2 ** 53 }, '"/minProperties" is not a count'],
    [{ maxProperties: [] }, '"/maxProperties" is not a count'],
    [{ minimum: '1' }, '"/minimum" is not a number'],
    [{ maximum: null }, '"/maximum" is not a number'],
    [{ exclusiveMinimum: true }, '"/exclusiveMinimum" is not a number'],
    [{ exclusiveMaximum: {} }, '"/exclusiveMaximum" is not a number'],
    [{ multipleOf: 0 }, '"/multipleOf" is not an integer above 0'],
    [{ multipleOf: 0.1 }, '"/multipleOf" is not an integer above 0'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '"/$schema" is not "https://json'],
    [{ title: 1 }, '"/title" is not text'],
    [{ description: null }, '"/description" is not text'],
    [{ $comment: [] }, '"/$comment" is not text'],
    [{ allOf: [] }, '"/allOf" is not a list of schemas, not empty'],
    [{ anyOf: {} }, '"/anyOf" is not a list of schemas, not empty'],
    [{ prefixItems: [] }, '"/prefixItems" is not a list of schemas, not empty'],
    [{ anyOf: [true, { x: 1 }] }, 'the keyword at "/anyOf/1/x" is not decided here'],
    [{ not: 'x' }, '"/not" is not a schema'],
    [{ items: [] }, '"/items" is not a schema'],
    [{ additionalProperties: null }, '"/additionalProperties" is not a schema'],
    [{ properties: [] }, '"/properties" is not an object of schemas'],
    [{ properties: { a: { b: 1 } } }, 'the keyword at "/properties/a/b" is not decided here'],
  ])('%j is none: %s', (schema, fault) => {
    expect(schemaFault(schema)).toContain(fault)
  })

  it('may have as many values and levels as its bounds say, and notes', () => {
    const choices = (length: number) => ({ enum: Array.from({ length }, () => 0) })
    expect(schemaFault(choices(4_094))).toBeUndefined()
    expect(schemaFault(choices(4_095))).toBe('it has at most 4096 values')
    const nested = (levels: number): JsonObject =>
      levels === 0 ? {} : { not: nested(levels - 1), description: 'x' }
    expect(schemaFault(nested(24))).toBeUndefined()
    expect(schemaFault(nested(25))).toBe('it has at most 24 schemas within schemas')
    const $schema = 'https://json-schema.org/draft/2020-12/schema'
    expect(schemaFault({ $schema, title: 'x', description: 'y', $comment: 'z' })).toBeUndefined()
  })
})

const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as {
  Ajv2020: new (
    options: Options,
  ) => { compile(schema: object): ValidateFunction; removeSchema(): void }
}

/** Verifies: CAP-R100 */
describe('schemas and values by chance', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'x/~')
  const leaf = fc.oneof(
    fc.constantFrom<JsonValue>(null, true, false, 0, 1, 2, -1, 0.5, 6, 'a', 'ab', '👍', ''),
    fc.integer({ min: -9, max: 9 }),
  )
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 3 }),
    ),
  }))
  const count = fc.nat(3)
  const bound = fc.integer({ min: -3, max: 6 })
  const { schema } = fc.letrec<{ schema: JsonValue }>((tie) => {
    const schemas = fc.array(tie('schema'), { minLength: 1, maxLength: 2 })
    const rules = {
      type: fc.oneof(
        fc.constantFrom(...SCHEMA_TYPES),
        fc.uniqueArray(fc.constantFrom(...SCHEMA_TYPES), { minLength: 1, maxLength: 3 }),
      ),
      enum: fc.uniqueArray(value, {
        minLength: 1,
        maxLength: 3,
        selector: (v) => JSON.stringify(v),
      }),
      const: value,
      properties: fc.dictionary(name, tie('schema'), { maxKeys: 2 }),
      required: fc.uniqueArray(name, { maxLength: 2 }),
      additionalProperties: tie('schema'),
      items: tie('schema'),
      prefixItems: schemas,
      ...{ minItems: count, maxItems: count, minLength: count, maxLength: count },
      ...{ minProperties: count, maxProperties: count, minimum: bound, maximum: bound },
      ...{ exclusiveMinimum: bound, exclusiveMaximum: bound },
      multipleOf: fc.integer({ min: 1, max: 4 }),
      ...{ anyOf: schemas, allOf: schemas, not: tie('schema') },
    }
    const some = fc.uniqueArray(
      fc.constantFrom(...(Object.keys(rules) as (keyof typeof rules)[])),
      {
        maxLength: 3,
      },
    )
    return {
      schema: fc.oneof(
        { maxDepth: 3 },
        fc.boolean(),
        some.chain((names) =>
          fc.record(Object.fromEntries(names.map((each) => [each, rules[each]]))),
        ) as fc.Arbitrary<JsonValue>,
      ),
    }
  })

  it('fit here exactly when they fit for Ajv', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: false, ownProperties: true })
    fc.assert(
      fc.property(schema, fc.array(value, { minLength: 1, maxLength: 6 }), (rules, drawn) => {
        // Ajv takes objects without a prototype for unequal to others.
        const [wrapped, values] = json(JSON.stringify([{ allOf: [rules] }, drawn])) as [
          JsonObject,
          readonly JsonValue[],
        ]
        expect(schemaFault(wrapped)).toBeUndefined()
        const validate = ajv.compile(wrapped)
        for (const each of values) {
          expect([each, mismatchesOf(wrapped, each).length === 0]).toEqual([each, validate(each)])
        }
        ajv.removeSchema()
      }),
      { numRuns: 1_000 },
    )
  })
})
