/** What a checker is given: operations with the span in which each was under way. */

/** One operation as its client saw it. */
export interface Operation<I, O> {
  readonly input: I
  readonly output: O
  /** When it was called, on a clock that never goes back. */
  readonly called: number
  /** When it was answered; `Infinity` when it never was. */
  readonly returned: number
}

/**
 * A sequential object.
 *
 * The state is never changed in place. An operation whose outcome nobody knows has an output that
 * `step` takes in every state; since it never returned, it may stand behind all others, where its
 * effect is seen by nobody: that is how it "may not have happened".
 */
export interface Model<S, I, O> {
  initial(): S
  /** The state behind the operation, or `undefined` when it cannot have this output here. */
  step(state: S, input: I, output: O): S | undefined
  /** Equal for states that nothing can tell apart, and for no others. */
  key(state: S): string
  /** Histories that do not touch each other: the whole is linearizable when each of them is. */
  partition?(history: readonly Operation<I, O>[]): readonly (readonly Operation<I, O>[])[]
}
