/** What the demonstration and its processes tell each other: types only. */

import type { ErrorRecord, RunId } from '@ice/primitives'
import type { Stretch } from '@ice/runs/ports'
import type { Reach } from './overreach.ts'

/** What a process is to do. */
export interface Job {
  readonly store: string
  readonly reach: Reach
  readonly grants: { readonly source: string; readonly output: string }
  readonly input: { readonly title: string; readonly exclude: readonly string[] }
  /** The run to go on with; left out, a new one is started. */
  readonly run?: RunId
  /** The read, counted from 1, at which to stop and wait to be killed; 0 for none. */
  readonly holdAt: number
}

/** What a process tells. */
export type Told =
  | { readonly kind: 'run'; readonly run: RunId }
  /** Reads that have an outcome, replayed ones included. */
  | { readonly kind: 'progress'; readonly files: number; readonly events: number }
  /** It stands still: reads are in flight, and all before them are recorded. */
  | { readonly kind: 'holding' }
  | {
      readonly kind: 'waiting'
      readonly step: string
      readonly digest: string
      readonly prompt: string
    }
  | { readonly kind: 'ended'; readonly stretch: Stretch; readonly maxRssBytes: number }
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
