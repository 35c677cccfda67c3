/** `ice why`: why an event is there, by whose authority, and what came of it. */
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findEvent } from '../log/find.ts'
import { openReader, using } from '../log/open.ts'
import { explain } from '../why/explain.ts'
import { explanationLines } from '../why/render.ts'

/** Carries `why` out. @returns the exit code */
export async function why(invocation: Invocation, typed: string): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const explanation = await explain(log, await findEvent(log, typed))
    await invocation.print(
      () => explanationLines(explanation, invocation.paint),
      () => explanation,
    )
    return EXIT.ok
  })
}
