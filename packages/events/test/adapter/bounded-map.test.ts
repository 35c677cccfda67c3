import { describe, expect, it } from 'vitest'
import { BoundedMap } from '../../src/adapter/index.ts'

describe('the bounds of memory', () => {
  it('hold for a map that is used without end, and what is in use stays', () => {
    const map = new BoundedMap<number, string>(100)
    for (let i = 0; i < 10_000; i += 1) {
      map.set(i, `${i}`)
      expect(map.get(0)).toBe('0')
    }
    expect(map.size).toBeLessThanOrEqual(100)
    expect(map.get(9_999)).toBe('9999')
    expect(map.get(5_000)).toBeUndefined()
    map.delete(9_999)
    expect(map.get(9_999)).toBeUndefined()
  })
})
