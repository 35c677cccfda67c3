/** Conditions on runs, as they are typed. */
import { RUN_STATES } from '@ice/runs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseWhere } from '../src/args/where.ts'

/** Verifies: CLI-R67 */
test('conditions of one name are joined by or, all others by and', () => {
  const texts = ['queue=a', 'queue=b', 'tag.tenant=x=y', 'in-doubt=yes', 'state=created']
  expect(parseWhere([...texts, 'before=2026-01-02'])).toEqual({
    queues: ['a', 'b'],
    tags: { tenant: 'x=y' },
    inDoubt: true,
    states: ['CREATED'],
    before: Date.UTC(2026, 0, 2),
  })
})

/** Verifies: CLI-R67 */
test('every state of a run is one that runs are found by', () => {
  const found = RUN_STATES.flatMap((state) => parseWhere([`state=${state}`]).states)
  expect(found).toEqual(RUN_STATES)
  expect(found).toContain('TERMINATED')
})

/** Verifies: CLI-R67 */
test('what is no condition, or is said twice, is refused with a code', () => {
  const wrong = ['', 'queue', 'queue=', '=a', 'x=y', 'tag.=1', 'state=none', 'standing=ended']
  const more = ['from=yesterday', 'in-doubt=1', 'parent=none', '__proto__=a', 'constructor=a']
  for (const text of [...wrong, ...more]) {
    expect(() => parseWhere([text]), text).toThrow(
      expect.objectContaining({ code: 'ICE_CLI_USAGE_UNSUPPORTED' }),
    )
  }
  for (const twice of ['key=a', 'tag.a=1', 'from=2026-01-01']) {
    expect(() => parseWhere([twice, twice])).toThrow(
      expect.objectContaining({ code: 'ICE_CLI_USAGE_UNSUPPORTED' }),
    )
  }
})

/** Verifies: CLI-R67 */
test('whatever is typed is a filter, or refused with a code', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 5 }), (texts) => {
      try {
        expect(typeof parseWhere(texts)).toBe('object')
      } catch (error) {
        expect(error).toMatchObject({ code: 'ICE_CLI_USAGE_UNSUPPORTED' })
      }
    }),
  )
})
