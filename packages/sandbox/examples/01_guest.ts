/** Evaluates an expression, and makes a program of source that nobody vouches for. */
import { evaluate, sandboxedProgram } from '@ice/sandbox'
import { z } from 'zod'

const { value } = evaluate('orders.filter((o) => o.total > limit).length', {
  globals: { orders: [{ total: 5 }, { total: 50 }], limit: 10 },
})
console.log(value) // 1

for (const source of [
  'for (;;);',
  'process.exit()',
  'const a = []; for (;;) a.push("x".repeat(1e6) + a.length)',
]) {
  try {
    evaluate(source, { limits: { fuel: 10_000_000 } })
  } catch (error) {
    console.log((error as { code: string }).code) // …FUEL_LIMIT, …GUEST_FAILED, …MEMORY_LIMIT
  }
}

// A program like any other: hand it to the runtime, with a grant called `notes`.
const program = sandboxedProgram({
  name: 'count-words',
  source: `
    export default async function (ice, { path }) {
      const request = { action: 'fs.read', grant: 'notes', arguments: { path } }
      const text = await ice.effect('read', request)
      return { words: text.split(' ').length }
    }`,
  input: z.object({ path: z.string() }),
  output: z.object({ words: z.number() }),
  needs: ['notes'],
})
console.log(program.name, program.needs) // count-words [ 'notes' ]
