/** Guests put together at random: whatever they are, the host gets a value or a code. */
import { hasCode } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SANDBOX_CODES } from '../src/errors.ts'
import { evaluate } from '../src/evaluate.ts'
import { context, guest } from './world.ts'

const seed = Number(process.env['ICE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const codes = Object.values(SANDBOX_CODES)
const limits = { fuel: 3_000_000, memoryBytes: 4 * 1_048_576 }

/** Atoms of hostile sources: values, holes to fill with others,
  and things that change the ground. */
const atoms = fc.constantFrom(
  '0',
  '-1',
  '2**53',
  'NaN',
  '1n',
  '""',
  '"\\ud800"',
  'null',
  'undefined',
  '[]',
  '({})',
  'this',
  'globalThis',
  'Symbol.iterator',
  '/(a+)+b/',
  'new Date()',
  'new Map()',
  'new Proxy({}, {})',
  'new Uint8Array(9)',
  'Promise.resolve()',
  '() => 1',
  'class {}',
  'Object.prototype',
  'JSON',
  'Math',
  'Reflect',
  'eval',
  'Function',
  'Error',
  'function* () {}',
  'async () => 1',
  'new Array(1e9)',
  'ice',
  'ice.scope("s")',
  'ice.now',
  'ice.random()',
  'ice.effect("e", {action:"a",grant:"g",arguments:{}})',
)
const shapes = fc.constantFrom(
  'A',
  '(A)',
  '[A, B]',
  '({ a: A, [B]: 1 })',
  '(A)(B)',
  'new (A)(B)',
  '(A)[B]',
  '(A)[B] = A',
  'A + B',
  '(A) instanceof (B)',
  'typeof A',
  'delete (A)[B]',
  '[...(A)]',
  '({ ...(A) })',
  '`$' + '{A}`',
  'await (A)',
  '(() => { throw A })()',
  '(() => { try { return A } catch { return B } })()',
  'JSON.stringify(A, B)',
  'Object.defineProperty(A, B, { get() { return A } })',
  'Object.setPrototypeOf(A, B)',
  'Reflect.apply(A, B, [A])',
  'Object.assign(A, B)',
  'String(A)',
  'new Proxy(A, B)',
  '(A).then(B)',
  '(() => { for (const x of A) B })()',
  '(() => { for (const x in A) B })()',
  'A, B',
  '"x".repeat(A)',
  '(A).constructor.constructor(B)()',
  'structuredClone(A)',
  '(A) = B',
  'Array.from(A)',
)
const source: fc.Arbitrary<string> = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    atoms,
    fc
      .tuple(shapes, tie('expression'), tie('expression'))
      .map(([shape, a, b]) => shape.replaceAll('A', () => a).replaceAll('B', () => b)),
  ),
})).expression

const isOurs = (error: unknown): boolean =>
  codes.some((code) => hasCode(error, code)) && !hasCode(error, SANDBOX_CODES.engineFailed)

/** Verifies: SBX-R10 */
describe(`a guest put together at random (ICE_SEED=${seed})`, () => {
  it('evaluates to a value, or fails with a code', () => {
    fc.assert(
      fc.property(source, (text) => {
        try {
          return (
            JSON.stringify(evaluate(`const ice = null; ${text}`, { limits }).value) !== undefined
          )
        } catch (error) {
          return isOurs(error) || expect.unreachable(`${text}: ${error}`)
        }
      }),
      { seed, numRuns: 600 },
    )
  })

  it('runs to a result or fails with a code, and asks only for what it may', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(source, { maxLength: 4 }), async (parts) => {
        const body = parts.map((part) => `try { last = ${part} } catch (e) { last = e }`).join('\n')
        const text = `export default async (ice, input) => { let last; ${body}; return last }`
        const asked: string[] = []
        const under = context((id, request) => {
          asked.push(`${id} ${Object.keys(request).join()}`)
          return 1
        })
        try {
          JSON.stringify(await guest(text, { limits }).run(under, {}))
        } catch (error) {
          if (!isOurs(error)) expect.unreachable(`${text}: ${error}`)
        }
        return asked.every((each) => each.endsWith('e action,grant,arguments'))
      }),
      { seed, numRuns: 250 },
    )
  })

  it('is refused or evaluated when it is no source at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          evaluate(text, { limits })
          return true
        } catch (error) {
          return isOurs(error) || expect.unreachable(`${JSON.stringify(text)}: ${error}`)
        }
      }),
      { seed, numRuns: 600 },
    )
  })

  it('has any JSON copied in and out unchanged', () => {
    // JSON has one zero, and no integer beyond 2^53 - 1.
    const value = fc
      .jsonValue({ maxDepth: 6 })
      .map((json) => JSON.parse(JSON.stringify(json)) as never)
      .filter((json) => !/\d{16}(?![\d.e])/.test(JSON.stringify(json)))
    fc.assert(
      fc.property(
        value,
        fc.constantFrom('$', '$$', '$handle', '__proto__', 'then'),
        (json, name) => {
          const given = Object.fromEntries([[name, json as never]])
          expect(evaluate('given', { globals: { given } }).value).toEqual(given)
        },
      ),
      { seed, numRuns: 250 },
    )
  })
})
