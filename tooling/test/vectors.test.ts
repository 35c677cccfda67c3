import { vectors, vectorTest } from '@ice/tooling/vectors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

describe('vectors', () => {
  const before = process.env['ICE_VECTORS']
  beforeAll(() => {
    process.env['ICE_VECTORS'] = 'tooling'
  })
  afterAll(() => {
    if (before === undefined) delete process.env['ICE_VECTORS']
    else process.env['ICE_VECTORS'] = before
  })

  it('are found from the root of the project, or are missing', () => {
    expect(vectors('test')).toMatch(/\/tooling\/test$/)
    expect(vectors('no-such-set')).toBe(undefined)
  })

  vectorTest('rfc8785', 'are handed to a test that needs them', (folder) => {
    expect(folder).toMatch(/rfc8785$/)
  })
})
