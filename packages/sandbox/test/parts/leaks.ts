/**
 * One process of the test of leaks: evaluates a thousand guests of every ending, and prints the
 * bytes that are held before and after.
 */
import { evaluate } from '../../src/evaluate.ts'

const { gc } = globalThis as unknown as { readonly gc: () => void }

const sources = [
  '1 + 1',
  'throw new Error("x")',
  'for (;;);',
  '"x".repeat(2e6).length',
  'const a = []; for (;;) a.push("x".repeat(1e5) + a.length)',
  'JSON.parse("[".repeat(1e5))',
  '(() => 1)',
  'syntax error',
]

function round(evaluations: number): void {
  for (let n = 0; n < evaluations; n += 1) {
    try {
      evaluate(sources[n % sources.length] ?? '', { limits: { fuel: 200_000, memoryBytes: 4e6 } })
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error
    }
  }
}

async function held(): Promise<number> {
  // Memories of instances go with their last reference, in two collections.
  for (let n = 0; n < 4; n += 1) {
    gc()
    await new Promise(setImmediate)
  }
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return process.argv[2] === 'rss' ? rss : heapUsed + external + arrayBuffers
}

round(200)
const before = await held()
round(1_000)
const after = await held()
process.stdout.write(JSON.stringify({ before, after }))
