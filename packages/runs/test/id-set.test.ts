import { describe, expect, test } from 'vitest'
import { IdSet } from '../src/id-set.ts'

/** Verifies: RUN-R08 */
describe('the set of step ids', () => {
  test('knows every id it was given, exact or as a fingerprint', () => {
    const set = new IdSet()
    const ids = Array.from({ length: 60_000 }, (_, i) => `read/src/${i % 97}/${i}.ts`)
    for (const id of ids) if (!set.add(id)) throw new Error(`${id} was taken for another`)
    expect(ids.every((id) => !set.add(id))).toBe(true)
    expect(set.add('another')).toBe(true)
  })
})
