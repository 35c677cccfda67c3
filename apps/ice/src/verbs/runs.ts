/** `ice runs`: the runs of a log, newest first. */
import type { EventLog } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { RUN_STATES } from '@ice/runs'
import type { RunFilter, RunView } from '@ice/runs/ports'
import { parseWhere } from '../args/where.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { RUNS_SHOWN } from '../limits.ts'
import { openReader, using } from '../log/open.ts'
import { openIndex } from '../log/run-index.ts'
import { runPages } from '../log/run-pages.ts'
import { answerable, selectRuns } from '../log/runs.ts'
import { ago, isoTime } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import type { Paint } from '../terminal/paint.ts'
import { type Cell, tableLines } from '../terminal/table.ts'
import { plain } from '../terminal/text.ts'

/** Options of `runs`. */
export interface RunsOptions {
  readonly where?: readonly string[]
  readonly state?: string
  readonly program?: string
  readonly limit?: number
  readonly waiting?: boolean
  readonly inDoubt?: boolean
  readonly open?: boolean
  readonly quarantined?: boolean
}

/** Carries `runs` out. @returns the exit code */
export async function runs(invocation: Invocation, options: RunsOptions): Promise<number> {
  const { state, where = [], limit = RUNS_SHOWN, ...rest } = options
  const wanted = state?.toUpperCase()
  if (wanted !== undefined && !RUN_STATES.some((one) => one === wanted)) {
    throw new CliError(CLI_CODES.usage, `"${plain(state ?? '')}" is no state of a run`, {
      next: [`the states are ${RUN_STATES.join(', ')}`],
    })
  }
  const query = { ...rest, limit, ...(wanted === undefined ? {} : { state: wanted }) }
  const filter = where.length === 0 ? null : filterOf(where, options)
  return using(await openReader(invocation), async ({ log }) => {
    const ids = filter === null ? undefined : await fitting(invocation, log, filter)
    const views = selectRuns(log, query, ids)
    if (invocation.format !== 'human') {
      await writeList(invocation, views)
      return EXIT.ok
    }
    const rows: (readonly (Cell | string)[])[] = []
    const now = Date.now()
    for await (const view of views) rows.push(row(view, invocation.paint, now))
    if (rows.length === 0) invocation.talk.say('no runs')
    else
      await invocation.print(
        () => table(rows, invocation),
        () => null,
      )
    if (rows.length === limit) invocation.talk.say(`the newest ${limit}; --limit shows more`)
    return EXIT.ok
  })
}

function filterOf(where: readonly string[], { inDoubt }: RunsOptions): RunFilter {
  return { ...parseWhere(where), ...(inDoubt === true ? { inDoubt } : {}) }
}

/**
 * The ids of runs that fit, newest first, from the index. Only ids are taken from it: what is told
 * of a run is what its own stream says. Nothing is written but the index.
 */
async function fitting(
  invocation: Invocation,
  log: EventLog,
  filter: RunFilter,
): Promise<readonly RunId[]> {
  return using(await openIndex(await invocation.store(), log), async (index) => {
    await index.catchUp()
    const ids: RunId[] = []
    for await (const { run } of runPages(index, filter, { backwards: true })) ids.push(run)
    return ids
  })
}

function table(rows: readonly (readonly (Cell | string)[])[], invocation: Invocation) {
  const head = ['run', 'program', 'state', 'effects', 'denied', 'created', 'about']
  const { columns, paint } = invocation
  return tableLines({ head, rows, columns, markHead: paint.dim })
}

function row(view: RunView, paint: Paint, now: number): readonly (Cell | string)[] {
  const { name, version } = view.program
  return [
    { text: view.run, mark: paint.bold },
    plain(`${name} ${version}`),
    standing(view, paint),
    String(view.effects.succeeded + view.effects.failed),
    view.effects.denied === 0 ? '0' : { text: String(view.effects.denied), mark: paint.yellow },
    now - view.createdAt < 86_400_000 ? ago(now - view.createdAt) : isoTime(view.createdAt),
    plain(about(view)),
  ]
}

/** A state in the word that tells most of it. */
export function standing(view: RunView, paint: Paint): Cell {
  if (view.quarantine !== null) return { text: 'set aside', mark: paint.red }
  if (view.finishing) return { text: 'finishing', mark: paint.yellow }
  if (view.conclusion === 'committed') return { text: 'committed', mark: paint.green }
  if (view.conclusion === 'aborted') return { text: 'aborted', mark: paint.red }
  if (view.conclusion !== null) return { text: 'terminated', mark: paint.red }
  if (view.inDoubt.length > 0) return { text: 'in doubt', mark: paint.red }
  if (answerable(view).length > 0) return { text: 'waiting', mark: paint.yellow }
  if (view.waitingFor.length > 0) return { text: 'right ended', mark: paint.red }
  if (view.suspended) return { text: 'answered', mark: paint.cyan }
  return { text: view.state.toLowerCase().replaceAll('_', ' ') }
}

function about(view: RunView): string {
  if (view.quarantine !== null) return view.quarantine.error.message
  if (view.reason !== null) return view.reason
  const [first = view.waitingFor[0]] = answerable(view)
  if (view.state !== 'TERMINATED' && first !== undefined)
    return first.ended?.message ?? first.prompt
  const tags = Object.entries(view.tags).map(([key, value]) => `${key}=${value}`)
  return [...(view.key === null ? [] : [`key ${view.key}`]), ...tags].join(' ')
}
