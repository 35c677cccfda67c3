import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Label,
  labelAt,
  readLabels,
  sourceLabel,
  TRUSTED_LABEL,
  UNKNOWN_LABEL,
} from '../src/index.ts'

const MALLORY: Label = sourceLabel('net:mallory.example')
const SECRET: Label = { sources: [], readers: ['os:alice'] }

/** Verifies: PRI-R21 */
describe('the label of a place', () => {
  const step = fc.constantFrom('a', 'b', '0', '~', '/')
  const path = fc.array(step, { maxLength: 3 })
  const label = fc.constantFrom(TRUSTED_LABEL, MALLORY, SECRET, sourceLabel('fs:x'))
  const labelled = fc.array(fc.record({ path, label }), { maxLength: 6 })

  it('is at most as trusted as every place below it, and shown to no more', () => {
    fc.assert(
      fc.property(labelled, path, step, (given, outer, inner) => {
        const whole = labelAt(given, outer)
        const part = labelAt(given, [...outer, inner])
        const sources = new Set(whole.sources)
        expect(part.sources.every((source) => sources.has(source))).toBe(true)
        if (part.readers !== null) {
          const allowed = new Set(part.readers)
          expect(whole.readers?.every((reader) => allowed.has(reader))).toBe(true)
        }
      }),
    )
  })

  it('does not depend on the order in which labels are given', () => {
    const distinct = fc.uniqueArray(fc.record({ path, label }), {
      selector: (one) => JSON.stringify(one.path),
    })
    fc.assert(
      fc.property(distinct, path, (given, at) => {
        expect(labelAt(given, at)).toEqual(labelAt([...given].reverse(), at))
      }),
    )
  })

  it('is unknown with no label there and none above, and what is below it besides', () => {
    expect(labelAt([], ['a'])).toEqual(UNKNOWN_LABEL)
    const below = labelAt([{ path: ['a', 'b'], label: MALLORY }], ['a'])
    expect(below).toEqual({ sources: ['*', 'net:mallory.example'], readers: [] })
  })

  it('is read from anything at all, or not', () => {
    fc.assert(
      fc.property(fc.anything(), (labels) => {
        const read = readLabels(labels)
        if (read !== undefined) expect(read).toHaveLength(Object.keys(labels as object).length)
      }),
    )
    expect(readLabels({ '': TRUSTED_LABEL, '/a~1b/0': MALLORY })).toEqual([
      { path: [], label: TRUSTED_LABEL },
      { path: ['a/b', '0'], label: MALLORY },
    ])
  })
})
