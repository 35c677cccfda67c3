/** What a program of a run is given of a program that was started, and what auditors see of it. */

import { errorRecord, type JsonObject, type JsonValue } from '@ice/primitives'
import type { EffectReport } from '@ice/runs/ports'
import { inputBytes, type ProcessArguments } from './arguments.ts'
import type { Capture, Kept } from './capture.ts'
import type { Running } from './running.ts'
import type { Reason, Supervised } from './supervise.ts'

/** What `proc.run` and `proc.observe` give. */
export type ProcessResult = {
  /** Why it ended: by itself, or by a cap, or because the call was aborted. */
  readonly ended: Reason
  /** `null` where a signal ended it. Of a program in a box, 128 and a number is a signal too. */
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: Kept
  readonly stderr: Kept
  /** What the request's fold made of the standard output. */
  readonly folded?: JsonValue
  /** Why there is no `folded`: the code of what the fold threw. Never for `proc.observe`. */
  readonly missing?: string
}

/** Reports a program that ended. */
export function reported(
  init: {
    readonly action: string
    readonly args: ProcessArguments
    /** The way that was really gone, links undone. */
    readonly cwd: string
    readonly held: Running['held']
  },
  { reason, ending, killed, durationMs, stdout, stderr }: Supervised,
): EffectReport {
  const { action, args, cwd, held } = init
  const how = killed ? { exitCode: null, signal: 'SIGKILL' } : ending
  const result: ProcessResult = {
    ended: reason,
    ...how,
    stdout: stdout.kept(args.encoding),
    stderr: stderr.kept(args.encoding),
    ...foldedOf(stdout, action),
  }
  const observed: JsonObject = {
    program: args.program,
    cwd,
    ended: reason,
    ...how,
    durationMs,
    stdout: stdout.counted,
    stderr: stderr.counted,
    sandbox: { ...held },
  }
  const bytes = inputBytes(args) + stdout.counted.bytes + stderr.counted.bytes
  return { value: result as JsonObject, observed, spent: { bytes, ms: durationMs } }
}

/** What a program did, it did: that its output cannot be folded is told beside it. */
function foldedOf(stdout: Capture, action: string): Partial<ProcessResult> {
  try {
    const folded = stdout.folded()
    return folded === undefined ? {} : { folded }
  } catch (error) {
    if (action === 'proc.observe') throw error
    return { missing: errorRecord(error).code }
  }
}
