/**
 * Scopes, by the names of steps: a step lies in those that its id begins with, whole names only.
 *
 * The trap: `a` is no scope of `ab/x`.
 */

/** Whether a step lies in one of these scopes. */
export function liesIn(step: string, scopes: readonly string[]): boolean {
  return scopes.some((scope) => step.startsWith(`${scope}/`))
}
