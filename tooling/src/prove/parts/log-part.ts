/** A part of the proof of the log: what it is told, and what it records its checks with. */
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'

/** What a part is told. */
export interface LogPartInit {
  /** All choices of the part come from it. */
  readonly seed: string
  /** As many cases as a release wants. */
  readonly full: boolean
  /** Make this case alone, named as the part itself names its cases. */
  readonly only?: string
  /** The command that repeats a case. */
  readonly again: (which: string) => string
}

/** A part: makes its checks, prints its counts, and throws only when it cannot be made at all. */
export type LogPart = (context: TopicContext & CheckRecorder, init: LogPartInit) => Promise<void>
