import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findAt, readPointer, writePointer } from '../src/index.ts'

/** The document and the table of RFC 6901 §5. */
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
}

function at(pointer: string, root: unknown = DOCUMENT): unknown {
  return findAt(root, readPointer(pointer) ?? expect.unreachable())
}

/** Verifies: PRI-R20 */
describe('a JSON pointer', () => {
  it.each<[string, unknown]>([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j leads where RFC 6901 says', (pointer, value) => {
    expect(at(pointer)).toEqual({ kind: 'value', value })
  })

  it.each<[string, unknown]>([
    ['/bar', { kind: 'nothing' }],
    ['/foo/2', { kind: 'nothing' }],
    ['/constructor', { kind: 'nothing' }],
    ['/__proto__/x', { kind: 'nothing' }],
    ['/foo/length', { kind: 'blocked', steps: 1 }],
    ['/foo/-', { kind: 'blocked', steps: 1 }],
    ['/foo/00', { kind: 'blocked', steps: 1 }],
    ['/foo/+1', { kind: 'blocked', steps: 1 }],
    ['/foo/0/0', { kind: 'blocked', steps: 2 }],
    ['//x', { kind: 'blocked', steps: 1 }],
  ])('%j finds nothing, and says whether something stood in its way', (pointer, found) => {
    expect(at(pointer)).toEqual(found)
  })

  it.each([
    'foo',
    '/a~',
    '/a~2',
    '/~~',
    '/\ud800',
    `/${'a'.repeat(512)}`,
    '/a'.repeat(65),
    7,
    null,
  ])('%j is none', (text) => {
    expect(readPointer(text)).toBe(undefined)
  })

  it('is read back as it was written', () => {
    const steps = fc.array(fc.string({ unit: 'grapheme', maxLength: 6 }), { maxLength: 8 })
    fc.assert(
      fc.property(steps, (given) => {
        expect(readPointer(writePointer(given))).toEqual(given)
      }),
    )
  })
})
