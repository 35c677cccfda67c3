/** `ice schedule`: adds, lists, pauses, resumes and deletes schedules; workers fire them. */
import type { EventLog } from '@ice/events/ports'
import { type GrantId, systemClock } from '@ice/primitives'
import { createSchedules, type Overlap, type ScheduleStart, type ScheduleView } from '@ice/runs'
import { parseSpan } from '../args/duration.ts'
import { readInput } from '../args/input.ts'
import { saidWhy, tagsOf } from '../args/values.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findGrant } from '../log/find.ts'
import { openReader, openRuntime, using } from '../log/open.ts'
import { findProgram } from '../program/find.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { isoTime } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import { tableLines } from '../terminal/table.ts'
import { plain } from '../terminal/text.ts'

/** Options of `schedule add`. */
export interface AddOptions {
  readonly cron: string
  readonly zone?: string
  readonly overlap?: string
  readonly catchUp?: string
  readonly input?: string
  readonly bind: readonly string[]
  readonly tag: readonly string[]
  readonly agent?: string
  readonly session?: string
  readonly queue?: string
  readonly concurrencyKey?: string
  readonly priority?: number
}

/** Carries `schedule add` out. @returns the exit code */
export async function add(
  invocation: Invocation,
  { id, word }: { readonly id: string; readonly word: string },
  options: AddOptions,
): Promise<number> {
  const { cron, zone, overlap, catchUp } = options
  const tags = tagsOf(options.tag)
  const catchUpMs = catchUp === undefined ? undefined : parseSpan(catchUp, '--catch-up')
  keepStdoutForData()
  const found = await findProgram(word, await invocation.config(), invocation)
  const input = await readInput(options.input, { cwd: invocation.cwd, stdin: process.stdin })
  const runtime = await openRuntime(invocation, { create: true, programs: [found] })
  return using(runtime, async () => {
    const { agent, session, queue, concurrencyKey, priority } = options
    const start: ScheduleStart = {
      grants: await boundGrants(runtime.log, options.bind),
      ...(options.tag.length === 0 ? {} : { tags }),
      ...(agent === undefined ? {} : { agent }),
      ...(session === undefined ? {} : { session }),
      ...(queue === undefined ? {} : { queue }),
      ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
      ...(priority === undefined ? {} : { priority }),
    }
    const view = await runtime.schedules.add(found.program, input, {
      ...{ id, cron, start },
      ...(zone === undefined ? {} : { zone }),
      // What is no policy is refused where all others are.
      ...(overlap === undefined ? {} : { overlap: overlap as Overlap }),
      ...(catchUpMs === undefined ? {} : { catchUpMs }),
    })
    return told(invocation, view, 'added')
  })
}

/** Carries `schedule list` out. @returns the exit code */
export async function list(
  invocation: Invocation,
  { deleted = false }: { readonly deleted?: boolean },
): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const views = await readerOf(log).list({ deleted })
    if (invocation.format !== 'human') {
      await writeList(invocation, views)
      return EXIT.ok
    }
    if (views.length === 0) invocation.talk.say('no schedules')
    else
      await invocation.print(
        () => table(views, invocation),
        () => null,
      )
    return EXIT.ok
  })
}

/** A schedule, and what is done to it. */
export interface Change {
  readonly verb: 'pause' | 'resume' | 'delete'
  readonly id: string
}

const DONE = { pause: 'paused', resume: 'resumed', delete: 'deleted' } as const

/** Carries `schedule pause`, `resume` and `delete` out. @returns the exit code */
export async function change(
  invocation: Invocation,
  { verb, id }: Change,
  { reason }: { readonly reason?: string },
): Promise<number> {
  const why = saidWhy(reason, `Who would ${verb} a schedule says`)
  return using(await openRuntime(invocation, { create: false }), async ({ schedules }) => {
    return told(invocation, await schedules[verb](id, { reason: why }), DONE[verb])
  })
}

/** Schedules of a log that is only read: nothing is started from there. */
function readerOf(log: EventLog) {
  const nobody = (): Promise<never> => Promise.reject(new Error('a reader starts no runs'))
  const runs = { view: nobody, startScheduled: nobody }
  return createSchedules({ log, clock: systemClock, principal: 'os:reader' as never, runs })
}

/** @throws `ICE_CLI_USAGE_UNSUPPORTED`, `ICE_CLI_GRANT_NOT_FOUND` */
async function boundGrants(
  log: EventLog,
  pairs: readonly string[],
): Promise<Readonly<Record<string, GrantId>>> {
  const grants = new Map<string, GrantId>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, Math.max(equals, 0))
    if (name === '' || grants.has(name)) {
      const message = `--bind reads name=grant, each name once, not "${plain(pair)}"`
      throw new CliError(CLI_CODES.usage, message, { next: ['`ice grants` lists the grants'] })
    }
    grants.set(name, await findGrant(log, pair.slice(equals + 1)))
  }
  return Object.fromEntries(grants)
}

async function told(invocation: Invocation, view: ScheduleView, done: string): Promise<number> {
  const next = view.next === null ? '' : `; next at ${isoTime(view.next)}`
  await invocation.print(
    () => [`${done}  schedule ${plain(view.id)}${next}`],
    () => view,
  )
  return EXIT.ok
}

function table(views: readonly ScheduleView[], { columns, paint }: Invocation): readonly string[] {
  const head = ['schedule', 'cron', 'zone', 'program', 'state', 'next', 'last']
  const rows = views.map((view) => [
    { text: plain(view.id), mark: paint.bold },
    plain(view.cron),
    plain(view.zone),
    plain(`${view.program.name} ${view.program.version}`),
    view.state === 'active' ? 'active' : { text: view.state, mark: paint.yellow },
    view.next === null ? '-' : isoTime(view.next),
    lastOf(view),
  ])
  return tableLines({ head, rows, columns, markHead: paint.dim })
}

function lastOf({ last }: ScheduleView): string {
  if (last === null) return '-'
  return `${isoTime(last.due)} ${last.run ?? last.skipped ?? ''}`
}
