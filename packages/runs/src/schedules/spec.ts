/** What a schedule may be made of. Everything is held to its bounds before anything is written. */

import { type GrantId, isGrantId, readLabels } from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import {
  CATCH_UP_MS,
  CATCH_UP_MS_MAX,
  CATCH_UP_MS_MIN,
  SCHEDULE_TAGS_MAX,
  STANDING_MAX,
} from '../limits.ts'
import type { Overlap, ScheduleSpec, ScheduleStart } from './ports.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const OVERLAPS: readonly string[] = ['skip', 'queue', 'all'] satisfies readonly Overlap[]
const NAME_CHARACTERS_MAX = 512
const HOLDER_CHARACTERS_MAX = 128
const TAG_CHARACTERS_MAX = 256
const PRIORITY_MAX = 1_000

/** Those members that are known, and no others: what the log says again at every start. */
const START_MEMBERS: readonly (keyof ScheduleStart)[] = [
  'agent',
  'concurrencyKey',
  'grants',
  'labels',
  'priority',
  'queue',
  'session',
  'standing',
  'tags',
]

/** A spec with its defaults. */
export interface CheckedSpec {
  readonly id: string
  readonly zone: string
  readonly overlap: Overlap
  readonly catchUpMs: number
  readonly start: ScheduleStart
}

/** @throws `ICE_RUNS_SCHEDULE_UNSUPPORTED`, `ICE_RUNS_GRANTS_UNSUPPORTED` */
export function checkSpec(spec: ScheduleSpec): CheckedSpec {
  const { id, zone = 'UTC', overlap = 'skip', catchUpMs = CATCH_UP_MS, start = {} } = spec
  if (typeof id !== 'string' || !ID.test(id)) {
    throw invalid('id', 'The id of a schedule is 1 to 128 letters, digits, dots, _ and -')
  }
  if (!OVERLAPS.includes(overlap)) throw invalid('overlap', 'overlap is skip, queue or all')
  const isSpan = Number.isSafeInteger(catchUpMs) && catchUpMs >= CATCH_UP_MS_MIN
  if (!isSpan || catchUpMs > CATCH_UP_MS_MAX) {
    const message = `catchUpMs is from ${CATCH_UP_MS_MIN} to ${CATCH_UP_MS_MAX} milliseconds`
    throw invalid('catchUpMs', message)
  }
  checkStart(start)
  return { id, zone, overlap, catchUpMs, start: startOf(start) }
}

/** The members of a start that are known. */
export function startOf(start: ScheduleStart): ScheduleStart {
  const members = START_MEMBERS.flatMap((name) =>
    Object.hasOwn(start, name) && start[name] !== undefined ? [[name, start[name]] as const] : [],
  )
  return Object.fromEntries(members)
}

function checkStart(start: ScheduleStart): void {
  const odd = Object.keys(start).find((name) => !START_MEMBERS.includes(name as never))
  if (odd !== undefined) throw invalid(odd, `A schedule starts no runs with "${odd}"`)
  checkText('queue', start.queue, NAME_CHARACTERS_MAX)
  checkText('concurrencyKey', start.concurrencyKey, NAME_CHARACTERS_MAX)
  checkText('agent', start.agent, HOLDER_CHARACTERS_MAX)
  checkText('session', start.session, HOLDER_CHARACTERS_MAX)
  const { priority = 0, labels, tags = {}, standing = [], grants = {} } = start
  if (!Number.isSafeInteger(priority) || Math.abs(priority) > PRIORITY_MAX) {
    throw invalid('priority', `priority is from -${PRIORITY_MAX} to ${PRIORITY_MAX}`)
  }
  if (labels !== undefined && readLabels(labels) === undefined) {
    throw invalid('labels', 'The labels of an input are labels by JSON pointer')
  }
  const pairs = Object.values(tags)
  const isTag = (tag: unknown) => typeof tag === 'string' && tag.length <= TAG_CHARACTERS_MAX
  if (pairs.length > SCHEDULE_TAGS_MAX || !pairs.every(isTag)) {
    const message = `At most ${SCHEDULE_TAGS_MAX} tags of ${TAG_CHARACTERS_MAX} characters`
    throw invalid('tags', message)
  }
  checkIds(standing, grants)
}

function checkIds(standing: readonly GrantId[], grants: Readonly<Record<string, GrantId>>): void {
  const odd = Object.entries(grants).filter(([, id]) => !isGrantId(id))
  if (odd.length === 0 && standing.length <= STANDING_MAX && standing.every(isGrantId)) return
  const names = odd.map(([name]) => name)
  const message = `A schedule binds grants by their ids, and at most ${STANDING_MAX} standing ones`
  throw new RunsError(RUNS_CODES.grantsInvalid, message, { names })
}

function checkText(what: string, text: unknown, most: number): void {
  if (text === undefined) return
  if (typeof text === 'string' && text.length >= 1 && text.length <= most) return
  throw invalid(what, `${what} is a text of 1 to ${most} characters`)
}

function invalid(what: string, message: string): RunsError {
  return new RunsError(RUNS_CODES.scheduleInvalid, message, { what })
}
