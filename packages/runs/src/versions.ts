/**
 * Versions of programs: which one drives a run, and which way of it a run goes.
 *
 * A run is driven by the version it began with. Two things may be declared otherwise. A *patch* is
 * a way that is taken by runs that have not gone past it; where it is taken, `PatchMarked` says so.
 * A program that *takes over* a version drives its runs on: `ProgramChanged` says from where.
 */

import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { RunFold } from './lifecycle.ts'
import type { Program } from './ports.ts'
import type { StepRecord } from './records.ts'
import type { Step } from './steps.ts'

/** The name under which a program is known. */
export function programKey(name: string, version: string): string {
  return `${name}@${version}`
}

/** The program that drives a run. @throws `ICE_RUNS_PROGRAM_NOT_FOUND` */
export function programOf(
  { view }: Pick<RunFold, 'view'>,
  programs: ReadonlyMap<string, Program>,
): Program {
  const { name, version } = view?.program ?? { name: '', version: '' }
  const own = programs.get(programKey(name, version))
  if (own !== undefined) return own
  for (const program of programs.values()) {
    if (program.name === name && program.takesOver?.includes(version) === true) return program
  }
  throw notFound(name, version, programs)
}

/** A program by its name and version. @throws `ICE_RUNS_PROGRAM_NOT_FOUND` */
export function programNamed(
  name: string,
  version: string,
  programs: ReadonlyMap<string, Program>,
): Program {
  const program = programs.get(programKey(name, version))
  if (program === undefined) throw notFound(name, version, programs)
  return program
}

function notFound(
  name: string,
  version: string,
  programs: ReadonlyMap<string, Program>,
): RunsError {
  const known = [...programs.keys()].join(', ') || 'none'
  const message = `There is no program ${name} ${version} here; registered: ${known}`
  return new RunsError(RUNS_CODES.programNotFound, message, { program: name, version })
}

/** What is recorded when another version takes a run over; `null` when it is its own. */
export function changeOf({ view }: Pick<RunFold, 'view'>, program: Program): Fact | null {
  const from = view?.program.version ?? program.version
  if (from === program.version) return null
  return { type: 'ProgramChanged', data: { from, to: program.version } }
}

/** A step that marks a patch: from here on the run goes its way. */
export function lookAtPatch(desk: Desk, step: Step): Promise<void> {
  return desk.deliver(step, { type: 'PatchMarked', data: { step: step.id } }, { kind: 'done' })
}

/** What the log says of patches. */
export const PATCH_RECORDS: Readonly<Record<string, StepRecord>> = {
  PatchMarked: {
    kind: 'patch',
    step: ({ step }) => step as string,
    settles: true,
    gives: async () => ({ kind: 'done' }),
  },
}
