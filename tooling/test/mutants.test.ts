/** Mutants: what they change, and that a source with none switched on does what it did. */
import { stripTypeScriptTypes } from 'node:module'
import { describe, expect, it } from 'vitest'
import { instrument } from '../src/mutants/edits.ts'

/** The value of `result` when a mutant is on (0: none). */
function valueWith(source: string, active: number): unknown {
  const { text } = instrument('source.ts', source, 1)
  let passes = 0
  const isOn = (id: number): boolean => id === active
  const pass = (): void => {
    passes += 1
    if (passes > 1_000) throw new RangeError('a loop does not end')
  }
  const body = `${stripTypeScriptTypes(text)}\nreturn result`
  return new Function('__m', '__l', body)(isOn, pass)
}

describe('mutants', () => {
  it.each<[string, readonly string[]]>([
    ['const result = 1 < 2', ['2', '1 <= 2', '1 >= 2', '3']],
    ['const a = true; const result = !a', ['false', 'a']],
    ['const result = [1, 2].some((n) => n === 2)', ['every']],
    ['const result = 6 - 2', ['6 + 2']],
    ['const a: number | null = null; const result = a ?? 7', ['a', '7', '8']],
  ])('of %s change it', (source, some) => {
    const replacements = instrument('source.ts', source, 1).mutants.map((each) => each.replacement)
    for (const part of some) expect(replacements.join(' | ')).toContain(part)
  })

  it('leave types, names of modules, keys and prose alone', () => {
    const source = `import { join } from 'node:path'
      type A = 'x' | 7
      interface B { readonly c: 'y' }
      const keyed = { 'a-b': undefined as A | undefined }
      export function f(b: B): asserts b is B { throw keyed['a b'] }`
    const { mutants, text } = instrument('source.ts', source, 1)
    expect(mutants).toEqual([])
    expect(text).toBe(source)
  })

  it('are all different from the source, which does what it did with none of them on', () => {
    const source = `
      let result: unknown = []
      for (let i = 0; i < 3; i += 1) {
        if (i === 1) continue
        else (result as number[]).push(i * 2)
      }
      result = (result as number[]).length > 1 && (result as number[])[1] === 4 ? 'yes' : 'no'`
    expect(valueWith(source, 0)).toBe('yes')
    const { mutants } = instrument('source.ts', source, 1)
    const outcomes = mutants.map(({ id }) => {
      try {
        return valueWith(source, id)
      } catch (error) {
        return String(error)
      }
    })
    expect(mutants.length).toBeGreaterThan(15)
    expect(outcomes).toContain('no')
    const endless = 'let result = 0; while (result >= 0) result += 0'
    expect(() => valueWith(endless, 0)).toThrow('a loop does not end')
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
  })

  it('that leave a statement out keep the else of its if', () => {
    const source = 'let result = 0\nif (result === 0) result = 1\nelse result = 2'
    const left = instrument('source.ts', source, 1).mutants.filter(
      (each) => each.replacement === '',
    )
    expect(left.map(({ id }) => valueWith(source, id))).toEqual([0, 1])
    expect(valueWith(source, 0)).toBe(1)
  })
})
