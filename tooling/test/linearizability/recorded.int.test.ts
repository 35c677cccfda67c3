import { vectorTest } from '@ice/tooling/vectors'
import { expect } from 'vitest'
import { checkRecorded, misjudged } from '../../src/linearizability/recorded.ts'

vectorTest('linearizability', 'the checker says of each recorded history what is known', (at) => {
  const verdicts = checkRecorded(at)
  expect(verdicts.length).toBeGreaterThan(0)
  expect(misjudged(verdicts)).toEqual([])
})
