/** Runs that fit conditions, from the index: a page after the other. */
import type { RunId } from '@ice/primitives'
import type { RunFilter, RunIndex, RunRow } from '@ice/runs/ports'
import { RUN_PAGE } from '../limits.ts'
import { plain } from '../terminal/text.ts'

/** All that fit, in the order of their creation; backwards: the newest first. */
export async function* runPages(
  index: Pick<RunIndex, 'find'>,
  filter: RunFilter,
  { backwards = false }: { readonly backwards?: boolean } = {},
): AsyncGenerator<RunRow> {
  let after: RunId | undefined
  for (;;) {
    const page = await index.find({
      ...{ ...filter, backwards, limit: RUN_PAGE },
      ...(after === undefined ? {} : { after }),
    })
    yield* page
    after = page.at(-1)?.run
    if (page.length < RUN_PAGE) return
  }
}

/** A row as one line. */
export function rowLine({ run, program, queue, standing }: RunRow): string {
  return `${run}  ${plain(`${program.name} ${program.version}`)}  ${plain(queue)}  ${standing}`
}
