/**
 * What a process must have been told of a call that failed.
 *
 * 1. Every refusal has a code of ours, and one by SQLite says which result it was.
 * 2. A commit whose bytes were not made durable is told, and its handle does nothing more.
 * 3. A unit told as not written was not; it is appended, not found, when it is tried again.
 * 4. A call that failed once stands in nobody's way: the new handle meets no error.
 *
 * A failed sync or write of a checkpoint is told to nobody: the pages are still in the WAL, which
 * was synced before it was acknowledged, and the next checkpoint writes and syncs all of them anew.
 */

import { dirname } from 'node:path'
import { EVENTS_CODES } from '@ice/events'
import { insist } from './insist.ts'
import type { Call } from './log-trace.ts'
import { type Line, linesOf, type Told } from './log-witness.ts'

/** The call that failed, and what hung on it. */
export interface FaultFound {
  readonly call: Call
  /** A part of a commit could not be written: it must be told. */
  readonly isCommit: boolean
  /** Written bytes of a commit could not be synced: their handle knows nothing any more. */
  readonly isSyncOfCommit: boolean
}

/** Whom it was told to; `silent` when to nobody. */
export type Surfaced = 'unit' | 'open' | 'close' | 'backup' | 'silent'

const isRefused = ({ isInjected, error }: Call): boolean => isInjected || error === 'EFBIG'

/** Whether a call that is made again, with success, is so before anything more is said. */
const isMadeAgain = (failed: Call, after: readonly Call[], witness: string): boolean => {
  const next = after.find(
    ({ name, paths }) =>
      paths[0] === witness || (name === failed.name && paths[0] === failed.paths[0]),
  )
  return next !== undefined && next.paths[0] !== witness && next.result >= 0
}

/** The files of a case. */
export interface FaultPlaces {
  readonly path: string
  readonly witness: string
}

/** Finds the call that failed. */
export const findFault = (
  calls: readonly Call[],
  { path, witness }: FaultPlaces,
): FaultFound | undefined => {
  const wal = `${path}-wal`
  const folder = dirname(path)
  // What was changed since its last sync; of the folder, a name that a log cannot do without.
  const unsynced = new Set<string>()
  let hasWal = false
  for (const [at, call] of calls.entries()) {
    const [file = ''] = call.paths
    const isWrite = call.name === 'pwrite64'
    const isSync = call.name === 'fsync' || call.name === 'fdatasync'
    if (isRefused(call)) {
      const isLossOf = (changed: string): boolean =>
        isSync && file === changed && unsynced.has(changed)
      const isSyncOfCommit = isLossOf(wal)
      const isNameLost = isLossOf(folder) && !isMadeAgain(call, calls.slice(at + 1), witness)
      const isCommit = (isWrite && file === wal) || isSyncOfCommit || isNameLost
      return { call, isCommit, isSyncOfCommit }
    }
    if (!(call.result >= 0)) continue
    if (isSync) unsynced.delete(file)
    else if (isWrite) unsynced.add(file)
    const isNewWal = call.name === 'openat' && file === wal && !hasWal
    if (isNewWal || (call.name === 'link' && call.paths.includes(path))) unsynced.add(folder)
    if (file === wal) hasWal = call.name !== 'unlink'
  }
  return undefined
}

/** Holds what was said against what had happened. @throws when anything is not as it must be */
export const insistTold = (
  lines: readonly Line[],
  found: FaultFound | undefined,
): { readonly surfaced: Surfaced; readonly isLost: boolean } => {
  const refused = linesOf(lines, 'refused')
  const failed = linesOf(lines, 'failed')
  insist(lines.at(-1)?.is === 'end', 'the process did not come to its end')
  for (const { told } of [...refused, ...failed]) insistCoded(told)
  const stubborn = [...refused, ...failed].find(({ by }) => by === 'new')
  insist(stubborn === undefined, `a new handle met ${stubborn?.told.message}`)
  const surfaced: Surfaced =
    refused.find(({ by }) => by === 'first') === undefined
      ? (surfacedIn(failed.find(({ by }) => by === 'first')?.doing) ?? 'silent')
      : 'unit'
  const { call, isCommit = false, isSyncOfCommit = false } = found ?? {}
  insist(!isCommit || surfaced !== 'silent', `nobody was told that ${call?.name} failed`)
  const isLost = refused.some(({ by, told }) => by === 'first' && told.data['fate'] === 'unknown')
  const isTold = isLost || surfaced === 'open'
  insist(!isSyncOfCommit || isTold, 'a commit that was not synced was not told as unknown')
  if (isLost) insistLost(lines)
  insistFates(lines)
  return { surfaced, isLost }
}

const surfacedIn = (doing: string | undefined): Surfaced | undefined =>
  doing === 'open' || doing === 'close' || doing === 'backup' ? doing : undefined

const insistCoded = ({ code, message, data }: Told): void => {
  insist(code.startsWith('ICE_'), `an error without a code: ${code} ${message}`)
  if (code !== EVENTS_CODES.unavailable) return
  const says = data['sqlite'] ?? data['system']
  insist(
    typeof says === 'string' && typeof data['reason'] === 'string',
    `it says not why: ${message}`,
  )
}

/** After a commit whose fate is unknown the handle is closed, and says that another is needed. */
const insistLost = (lines: readonly Line[]): void => {
  const from = lines.findIndex((line) => line.is === 'refused')
  const opened = lines.findIndex((line, at) => at > from && line.is === 'opened')
  const after = lines.slice(from, opened === -1 ? undefined : opened)
  const wrong = after.find((line) => line.is === 'acknowledged' || line.is === 'backed-up')
  insist(wrong === undefined, `a handle that was lost went on: ${JSON.stringify(wrong)}`)
  const again = linesOf(after, 'refused').filter(({ by }) => by === 'again')
  insist(again.length > 0, 'nobody tried the handle that was lost')
  for (const { told } of again) {
    const isTold = told.code === EVENTS_CODES.notOpen && told.data['reopen'] === true
    insist(isTold, `a handle that was lost says ${told.code}`)
  }
}

/** Nothing of a unit that was told as not written may be found when it comes again. */
const insistFates = (lines: readonly Line[]): void => {
  const fates = new Map<string, unknown>()
  for (const line of lines) {
    if (line.is === 'refused') {
      const unit = `${line.lane}/${line.unit}`
      const fate = line.told.code === EVENTS_CODES.unavailable ? line.told.data['fate'] : 'none'
      if (fates.get(unit) !== 'unknown') fates.set(unit, fate)
    } else if (line.is === 'acknowledged') {
      const unit = `${line.lane}/${line.unit}`
      const isKnown = fates.get(unit) === 'none' && line.retried
      insist(!isKnown, `unit ${unit} was told as not written, and was there`)
    }
  }
}
