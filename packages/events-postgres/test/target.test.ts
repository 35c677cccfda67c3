/** Options from hostile hands: refused with a code before anything is sent. */
import { hasCode } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENTS_POSTGRES_CODES, openPostgresEventStore } from '../src/index.ts'
import { settle } from '../src/target.ts'

const connection = 'postgres://alice:hunter2@127.0.0.1:5432/app'

const refusal = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    if (hasCode(error, EVENTS_POSTGRES_CODES.option)) return 'refused'
    throw error
  }
}

/** Verifies: EPG-R06 */
describe('a schema name', () => {
  it('is lower-case letters, digits, underscores and hyphens, a letter first', () => {
    for (const schema of ['ice', 'a', 'tenant-7', 'a_b', 'x'.repeat(63)]) {
      expect(settle({ connection, schema }).target.schema).toBe(schema)
    }
    const hostile = ['', 'A', '1a', 'a"b', 'a;b', "a'b", 'a b', 'a\0b', 'ä', 'pg_x', 'x'.repeat(64)]
    for (const schema of [...hostile, 'information_schema', 'a\n', '__proto__', 'a.b', 'a\\b']) {
      expect([schema, refusal(() => settle({ connection, schema }))]).toEqual([schema, 'refused'])
    }
  })

  it('is refused or harmless, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), (schema) => {
        const settled = refusal(() => settle({ connection, schema: schema as string }))
        if (settled === 'refused' || schema === undefined) return
        expect(schema).toMatch(/^[a-z][a-z0-9_-]{0,62}$/)
      }),
      { numRuns: 500 },
    )
  })
})

/** Verifies: EPG-R06, EPG-R07 */
describe('a connection', () => {
  it('is named in messages without its password', () => {
    const { target } = settle({ connection })
    expect([target.server, target.log]).toEqual(['127.0.0.1:5432/app', 'ice in 127.0.0.1:5432/app'])
    expect(JSON.stringify({ ...target, config: undefined })).not.toContain('hunter2')
  })

  it('that cannot be read is refused, and not repeated', async () => {
    const hostile = [
      '',
      'mysql://a',
      'postgres://[hunter2',
      'postgres://a:hunter2@h:99999/d',
      'postgres://a%00b:hunter2@h/d',
      'postgres://a:hunter2@h/d%00x',
      'postgres://a:hunter2@h:x/d',
      '/var/run hunter2',
      null,
      7,
      { host: 'h', port: -1, password: 'hunter2' },
      { host: 'h\0', password: 'hunter2' },
      { user: 'a\nb', password: 'hunter2' },
    ]
    for (const one of hostile) {
      const opening = openPostgresEventStore({ connection: one as string })
      const error = (await opening.catch((thrown: unknown) => thrown)) as Error
      expect([one, hasCode(error, EVENTS_POSTGRES_CODES.option)]).toEqual([one, true])
      expect(`${error.message}${JSON.stringify(error)}${String(error.cause)}`).not.toContain(
        'hunter2',
      )
    }
  })

  it('is refused or read, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        refusal(() => settle({ connection: `postgres://${text}` }))
        refusal(() => settle({ connection: text }))
        refusal(() => settle({ connection: { host: text, user: text, database: text } }))
      }),
      { numRuns: 500 },
    )
  })
})

/** Verifies: EPG-R06 */
describe('a setting', () => {
  it('that would mean "without end", or nothing, is refused', () => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '1' as never]) {
      for (const option of ['lockWaitMs', 'statementTimeoutMs', 'silentTransactionMs']) {
        expect(refusal(() => settle({ connection, [option]: value }))).toBe('refused')
      }
    }
    expect(refusal(() => settle({ connection, readersMax: 65 }))).toBe('refused')
    expect(refusal(() => settle({ connection, durability: 'none' as never }))).toBe('refused')
  })
})
