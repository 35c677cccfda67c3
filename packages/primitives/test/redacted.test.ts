import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { canonicalize, errorRecord, isRedacted, redact, reveal } from '../src/index.ts'
import { failure } from './failures.ts'

const SECRET = 's3cret'

function printed(value: unknown): string {
  let text = ''
  const stdout = new Writable({
    write(chunk, _, done) {
      text += String(chunk)
      done()
    },
  })
  new Console(stdout).log('%s %o %O %j', value, value, value, value, value)
  return text
}

/** Verifies: PRI-R14 */
describe('a redacted value', () => {
  const secret = redact({ token: SECRET }, 'api key')

  it('is given back by reveal only', () => {
    expect(reveal(secret)).toEqual({ token: SECRET })
    expect(reveal(redact(undefined))).toBe(undefined)
    expect([isRedacted(secret), isRedacted({}), isRedacted(null)]).toEqual([true, false, false])
  })

  it('shows its label', () => {
    expect([String(secret), `${secret}`, JSON.stringify([secret])]).toEqual([
      '[redacted api key]',
      '[redacted api key]',
      '["[redacted api key]"]',
    ])
    expect(inspect(secret)).toBe('[redacted api key]')
    expect(String(redact(1))).toBe('[redacted]')
  })

  it('is shown by nothing else', () => {
    const shown = [
      inspect({ secret }, { depth: null, showHidden: true, getters: true, showProxy: true }),
      inspect(secret, { customInspect: false, showHidden: true, depth: null }),
      format('%s %o %O %j %d', secret, secret, secret, secret, secret),
      printed(secret),
      printed({ nested: [secret] }),
      inspect(structuredClone({ secret }), { depth: null, showHidden: true }),
      JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(secret))),
      JSON.stringify({ ...secret }),
      JSON.stringify(errorRecord({ code: 'ICE_TEST_X', message: 'm', data: { secret } })),
      String(Reflect.ownKeys(secret)),
      `${secret}${Number(secret)}`,
    ]
    expect(shown.filter((text) => text.includes(SECRET) || text.includes('token'))).toEqual([])
  })

  it('cannot be made to show more by writing to it', () => {
    expect(Object.isFrozen(secret)).toBe(true)
  })

  it('is no canonical JSON', () => {
    expect(failure(() => canonicalize({ a: [secret] }))).toEqual({
      code: 'ICE_PRIMITIVES_CANONICAL_UNSUPPORTED',
      data: { reason: 'redacted', pointer: '/a/0' },
    })
  })

  it('loses the value when cloned, and revealing the clone is a bug', () => {
    const clone = structuredClone(secret)
    expect(isRedacted(clone)).toBe(false)
    expect(() => reveal(clone)).toThrow(TypeError)
  })
})
