/** What a demonstration came to: what `--json` prints. Types only. */

import type { RunId } from '@ice/primitives'
import type { SurveyResult } from '../survey/index.ts'
import type { Refused } from './record.ts'
import type { Tampered } from './tamper.ts'
import type { Why } from './why.ts'

/** One thing the demonstration claims, and whether it was so. */
export interface Claim {
  readonly name: string
  readonly held: boolean
}

/** The whole demonstration. */
export interface DemoOutcome {
  readonly format: 'ice-demo/1'
  readonly held: boolean
  readonly claims: readonly Claim[]
  readonly folder: string
  readonly output: string
  readonly log: string
  readonly run: RunId
  readonly denied: readonly Refused[]
  readonly killed: Killed
  readonly approval: Approval
  readonly revoked: Revoked
  readonly conclusion: string
  readonly result: SurveyResult | null
  readonly table: Table
  readonly why: readonly Why[]
  readonly verification: {
    readonly events: number
    readonly bytes: number
    readonly root: string
    readonly findings: number
  }
  readonly tampered: Tampered
}

/** What became of the process that was killed, and of what it left. */
export interface Killed {
  readonly done: boolean
  /** Why nothing was killed, when nothing was. */
  readonly note: string | null
  readonly pids: readonly number[]
  readonly signal: string | null
  /** Files of the folder, as far as they were counted before; and the read at which it was. */
  readonly files: number
  readonly filesComplete: boolean
  readonly atRead: number
  /** Outcomes that came from the record, and how many of them are reads. */
  readonly replayed: number
  readonly replayedReads: number
  /** Effects that were in flight, and those that were tried again. */
  readonly inFlight: number
  readonly repeated: readonly string[]
  /** Tried again without having been in flight: none. */
  readonly unexpected: readonly string[]
  /** Recorded reads that were performed again: by the log, and by the handler. */
  readonly rereads: readonly string[]
}

/** What became of the earlier report. */
export interface Approval {
  readonly steps: readonly string[]
  readonly placeholders: readonly string[]
  readonly answer: 'yes' | 'no'
  readonly by: 'terminal' | '--yes' | 'default'
}

/** What became of the notes. */
export interface Revoked {
  readonly grant: string
  readonly used: number
  readonly refusal: Refused | null
}

/** The numbers at the end. */
export interface Table {
  readonly allowed: number
  readonly denied: number
  readonly approved: number
  /** Effects whose outcome came from the record when the second process took over. */
  readonly resumed: number
  readonly failed: number
  readonly events: number
  readonly bytesRead: number
  readonly logBytes: number
  readonly ms: number
  /** The most memory a process of the demonstration had. */
  readonly rssBytes: number
}
