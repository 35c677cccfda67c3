/**
 * One process of the test of machines: evaluates sources, and prints what came of each and the fuel
 * it took.
 */
import { evaluate } from '../../src/evaluate.ts'

const sources = [
  'let s = 0; for (let i = 0; i < 1e4; i += 1) s += Math.sin(i) * Math.pow(i, 0.3); s',
  '[new Date(1e12).toString(), new Date(2020, 5, 1).getTime(), new Date(0).getTimezoneOffset()]',
  '[(1234567.891).toLocaleString(), "ä".localeCompare("z"), ["z", "ä", "a"].sort(), ' +
    '"I".toLocaleLowerCase()]',
  'const o = {}; for (let i = 0; i < 1e4; i += 1) o["k" + i * 7919] = [i]; ' +
    'JSON.stringify(o).length',
  'const m = new Map(); for (let i = 0; i < 1e4; i += 1) m.set({}, i); ' +
    '[...m.values()].reduce((a, b) => a + b)',
  'let d = 0; const f = () => { d += 1; f() }; try { f() } catch (e) { [e.name, d] }',
  'let k = 16; for (;; k += 16) { try { JSON.parse("[".repeat(k) + "]".repeat(k)) } ' +
    'catch { break } } k',
  '/^(a+)+$/.test("a".repeat(40) + "b")',
  'for (let i = 0; ; i += 1) i.toString(36)',
  'const a = []; for (;;) a.push({ a: [a.length] })',
  'let b = 1n; for (let i = 1n; i < 2000n; i += 1n) b *= i; b.toString().length',
  '["x".normalize("NFKD"), "ǆ".toUpperCase(), /\\p{L}/u.test("é"), (0.1 + 0.2).toString(7)]',
]

const results = sources.map((source) => {
  try {
    return evaluate(source, { limits: { fuel: 20_000_000, memoryBytes: 4_000_000 } })
  } catch (error) {
    const { code, data } = error as { readonly code: string; readonly data: unknown }
    return { code, data }
  }
})
process.stdout.write(JSON.stringify(results))
