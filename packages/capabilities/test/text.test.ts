/** Values as reasons show them: quoted, clipped, and unable to steer a terminal. */
import { describe, expect, it } from 'vitest'
import {
  clip,
  clippedList,
  oneLine,
  shown,
  shownList,
  shownTime,
  thrownMessage,
} from '../src/text.ts'

/** Verifies: CAP-R21 */
describe('what a reason shows', () => {
  it('is clipped when it is longer than there is room for, and not before', () => {
    expect(clip('x'.repeat(120))).toBe('x'.repeat(120))
    expect(clip('x'.repeat(121))).toBe(`${'x'.repeat(119)}…`)
    expect(clip('abcd', 4)).toBe('abcd')
    expect(clip('abcde', 4)).toBe('abc…')
    expect(clip('ab👍c', 4)).toBe('ab\ufffd…')
    expect(clip('a\ud800b')).toBe('a\ufffdb')
  })

  it('is text in quotes, and of anything else only what it is', () => {
    expect([shown('a"b\n'), shown(null), shown(7), shown({}), shown(undefined)]).toEqual([
      ...['"a\\"b\\n"', 'null', 'number', 'object', 'undefined'],
    ])
    expect(shown('x'.repeat(121))).toBe(`"${'x'.repeat(119)}…"`)
    expect(shown('a\u202eb\u007f\u200b\ufeff')).toBe('"a\\u202eb\\u007f\\u200b\\ufeff"')
  })

  it('is on one line, and steers no terminal', () => {
    expect(oneLine('a\nb\tc\u001b[2J')).toBe('a b c [2J')
    expect(oneLine('a\u202eb\u0085')).toBe('a\\u202eb\\u0085')
  })

  it('is of a list its first eight entries, and how many more there are', () => {
    const texts = (length: number): string[] => Array.from({ length }, (_, i) => `${i}`)
    const eight = '"0", "1", "2", "3", "4", "5", "6", "7"'
    expect(shownList([])).toBe('')
    expect(shownList(texts(8))).toBe(eight)
    expect(shownList(texts(9))).toBe(`${eight} and 1 more`)
    expect(shownList(texts(20))).toBe(`${eight} and 12 more`)
    expect(clippedList([...texts(7), 'x'.repeat(200), 'last'])).toEqual([
      ...texts(7),
      `${'x'.repeat(119)}…`,
    ])
  })

  it('is a time as people read it, where it is one', () => {
    expect(shownTime(0)).toBe('1970-01-01T00:00:00.000Z')
    expect([shownTime(8.64e15 + 1), shownTime(Number.NaN)]).toEqual([
      '8640000000000001 ms',
      'NaN ms',
    ])
  })

  it('is of what was thrown its message, or what it is', () => {
    const odd = Object.assign(new RangeError('x'), { message: 7 })
    const hostile = new Proxy(new RangeError('x'), {
      get: () => {
        throw new TypeError('looked at')
      },
    })
    const told = [new RangeError('no'), odd, hostile, 'text', null, { message: 'no error' }]
    expect(told.map(thrownMessage)).toEqual([
      ...['no', 'object', 'object', 'string', 'object', 'object'],
    ])
  })
})
