import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPlainText } from '../src/plain-text.ts'

const padded = (text: string): readonly string[] =>
  [0, 1, 2, 3, 47, 48, 49, 50, 51, 2_000, 8_190].flatMap((count) => [
    'x'.repeat(count) + text,
    text + 'x'.repeat(count),
  ])

const isUnescaped = (text: string): boolean => JSON.stringify(text) === `"${text}"`

/** Verifies: EVT-R05 */
describe('a text that needs no escape', () => {
  it('is told from one that does by every single character, wherever it stands', () => {
    for (let unit = 0; unit <= 0xffff; unit += unit < 0x180 ? 1 : 97) {
      const text = String.fromCharCode(unit)
      for (const one of padded(text)) {
        if (isPlainText(one) !== isUnescaped(one)) expect([unit, one.length]).toBe('told alike')
      }
    }
    expect(padded('\ud800').some(isPlainText)).toBe(false)
    expect(padded('\u001f').some(isPlainText)).toBe(false)
    expect(padded('é\u{7f}€').every(isPlainText)).toBe(true)
  })

  it('is never one that JSON would write otherwise', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 })
    fc.assert(
      fc.property(text, (one) => {
        for (const each of [one, one.repeat(40)]) {
          if (isPlainText(each)) expect(isUnescaped(each)).toBe(true)
          else expect(!isUnescaped(each) || /[\ud800-\udfff]/.test(each)).toBe(true)
        }
      }),
    )
  })
})
