/**
 * The part of vitest's interface by which tests say what they are; it collects them and runs none.
 *
 * Tests of a package are loaded once for each mutant, with this in the place of `vitest`, because
 * a process of vitest takes a second to start and its tests some milliseconds. What is asserted is
 * vitest's own `expect`.
 *
 * The trap: a test that uses more of vitest than is here. What is missing fails at the import, and
 * so in the pass without a mutant.
 */
import { expect as vitestExpect } from 'vitest'

type Body = (...given: readonly unknown[]) => unknown
type Each = (table: readonly unknown[]) => (name: string, body: Body) => void

/** One test that was collected. */
export interface CollectedTest {
  /** With the names of what it stands in. */
  readonly name: string
  run(): unknown
}

let collected: CollectedTest[] = []
let path: readonly string[] = []

/** Takes what was collected since the last call. */
export function takeCollected(): readonly CollectedTest[] {
  const taken = collected
  collected = []
  return taken
}

function group(name: string, body: Body, ...given: readonly unknown[]): void {
  const outer = path
  path = [...path, name]
  body(...given)
  path = outer
}

function one(name: string, body: Body, ...given: readonly unknown[]): void {
  const full = [...path, `${name} #${collected.length}`].join(' > ')
  collected.push({ name: full, run: () => body(...given) })
}

function each(add: (name: string, body: Body, ...given: readonly unknown[]) => void): Each {
  return (table) => (name, body) => {
    const isOfRows = table.every(Array.isArray)
    for (const row of table) add(name, body, ...(isOfRows ? (row as readonly unknown[]) : [row]))
  }
}

/** As vitest's. */
export const describe: typeof group & { each: Each } = Object.assign(group, { each: each(group) })

/** As vitest's. */
export const it: typeof one & { each: Each } = Object.assign(one, { each: each(one) })

/** @units milliseconds until something that is polled has to be so */
const POLL_MS_MAX = 2_000

/** As vitest's, which wants to know its test in order to poll. */
export const expect: typeof vitestExpect = Object.assign(
  ((value: unknown) => vitestExpect(value)) as typeof vitestExpect,
  vitestExpect,
  { poll: polled },
)

function polled(read: () => unknown): unknown {
  return new Proxy(
    {},
    {
      get: (_, matcher: string) => async (wanted: unknown) => {
        const until = performance.now() + POLL_MS_MAX
        for (;;) {
          const found = vitestExpect(await read()) as unknown as Record<string, Body>
          try {
            return found[matcher]?.(wanted)
          } catch (error) {
            if (performance.now() > until) throw error
          }
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      },
    },
  )
}
