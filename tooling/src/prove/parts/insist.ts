/** The one assertion of a proof: what must hold, or the sentence that says what did not. */

/** @throws an `Error` with `why` as its message */
export const insist: (condition: boolean, why: string) => asserts condition = (condition, why) => {
  if (!condition) throw new Error(why)
}
